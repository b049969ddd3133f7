/** An interrupt of AG-UI: a question that ended a run, which another run answers. */
export interface Interrupt {
  readonly id: string;
  readonly reason: string;
  readonly [field: string]: unknown;
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * What an INTERRUPTED run asks, as AG-UI's interrupts. A worker that gave a list of them as `interrupts` is taken at its
 * word. Anything else is one interrupt with the run's id: its `reason`, its `message` or `question`, and the whole of it as
 * `metadata.interrupt`.
 */
export function interruptsOf(runId: string, interrupt: JsonObject | null): readonly Interrupt[] {
  const given = interrupt?.['interrupts'];
  if (Array.isArray(given) && given.length > 0 && given.every(isInterrupt)) {
    return given.map((one) => ({ ...one, metadata: { ...objectOf(one['metadata']), runId } }));
  }
  const { reason, message, question, responseSchema, toolCallId, expiresAt } = interrupt ?? {};
  const text = typeof message === 'string' ? message : question;
  return [
    {
      id: runId,
      reason: typeof reason === 'string' ? reason : 'interrupt',
      ...(typeof text === 'string' && { message: text }),
      ...(typeof toolCallId === 'string' && { toolCallId }),
      ...(typeof expiresAt === 'string' && { expiresAt }),
      ...(isObject(responseSchema) && { responseSchema }),
      metadata: { runId, ...(interrupt !== null && { interrupt }) },
    },
  ];
}

/** The run that asked, as {@link interruptsOf} noted it; null for an interrupt of other origin. */
export function runOfInterrupt(interrupt: { readonly metadata?: unknown }): string | null {
  const runId = objectOf(interrupt.metadata)['runId'];
  return typeof runId === 'string' ? runId : null;
}

function isInterrupt(value: unknown): value is Interrupt {
  return isObject(value) && typeof value['id'] === 'string' && typeof value['reason'] === 'string';
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
