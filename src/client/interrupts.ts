/** An interrupt of AG-UI: a question that ended a run, which another run answers. */
export interface Interrupt {
  readonly id: string;
  readonly reason: string;
  readonly [field: string]: unknown;
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * What an INTERRUPTED run asks, as AG-UI's interrupts: those that a worker lists as `interrupts`, each with its `id`, or the
 * whole of it as one that has the run's id. Of AG-UI's fields each has those that the worker gave; `reason` is `interrupt`
 * where it gave none, and `message` may be called `question`. `metadata` has the run's id, and all that the worker gave.
 */
export function interruptsOf(runId: string, interrupt: JsonObject | null): readonly Interrupt[] {
  const given = interrupt?.['interrupts'];
  if (Array.isArray(given) && given.length > 0 && given.every(isNamed)) {
    return given.map((one) => interruptOf(one.id, runId, one));
  }
  return [interruptOf(runId, runId, interrupt ?? {})];
}

function interruptOf(id: string, runId: string, given: JsonObject): Interrupt {
  const { reason, message, question, responseSchema, toolCallId, expiresAt, subagentRunId } = given;
  const text = typeof message === 'string' ? message : question;
  return {
    id,
    reason: typeof reason === 'string' ? reason : 'interrupt',
    ...(typeof text === 'string' && { message: text }),
    ...(typeof toolCallId === 'string' && { toolCallId }),
    ...(typeof expiresAt === 'string' && { expiresAt }),
    ...(typeof subagentRunId === 'string' && { subagentRunId }),
    ...(isObject(responseSchema) && { responseSchema }),
    metadata: { ...objectOf(given['metadata']), runId, interrupt: given },
  };
}

/** The run that asked, as {@link interruptsOf} noted it; null for an interrupt of other origin. */
export function runOfInterrupt(interrupt: { readonly metadata?: unknown }): string | null {
  const runId = objectOf(interrupt.metadata)['runId'];
  return typeof runId === 'string' ? runId : null;
}

function isNamed(value: unknown): value is JsonObject & { readonly id: string } {
  return isObject(value) && typeof value['id'] === 'string';
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
