import { type AgUiEvent, LIFECYCLE_EVENT_TYPES, WORKER_EVENT_TYPES } from './event-types.ts';
import type { RunEvent } from './follow-run.ts';
import { interruptsOf } from './interrupts.ts';
import { createOpenSequences } from './open-sequences.ts';
import type { RunEnd, RunRef } from './run.ts';

/** The name of the CUSTOM event at which another attempt of the run begins. Its value is `{attempt}`. */
export const RUN_ATTEMPT = 'RUN_ATTEMPT';

/** The messages and the state of a conversation when a run began. */
export interface StartingPoint {
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  readonly state: unknown;
}

/** The options of a conversion of a run's events to AG-UI's. */
export interface RunToAgUiOptions {
  /** The ids that the front end has for the thread and the run. */
  readonly threadId: string;
  readonly runId: string;
  /** What the front end goes back to when an attempt is lost; null for a front end that cannot go back. */
  readonly start: StartingPoint | null;
  /** Whether the front end is to go back to it at the beginning too, because it may show more, or less. */
  readonly restores: boolean;
}

/** Converts a run's events to AG-UI's. */
export interface RunToAgUi {
  /** Converts an event. */
  map(event: RunEvent): readonly AgUiEvent[];
  /** The last events. @param end null for a run that is deleted */
  end(end: RunEnd | null): readonly AgUiEvent[];
}

/**
 * Creates a converter of a run's events to a valid sequence of AG-UI events: one RUN_STARTED first, one RUN_FINISHED or
 * RUN_ERROR last, however many attempts the run has.
 *
 * - An event whose type is AG-UI's is itself, with `data` as its fields. Any other is CUSTOM, with the type as its `name`
 *   and `data` as its `value`; so is one that continues what is not open.
 * - Text without a `messageId` is one message of the run's, which has the run's id.
 * - What a worker left open is closed: when its attempt is lost, and when the run ends.
 * - When another attempt begins, the front end goes back to where the run began (MESSAGES_SNAPSHOT, STATE_SNAPSHOT), and a
 *   CUSTOM event says so. A worker that continues from a checkpoint sends snapshots of it first.
 * - A worker's own RUN_STARTED, RUN_FINISHED and RUN_ERROR are dropped: those of the server count.
 */
export function createRunToAgUi(run: RunRef, options: RunToAgUiOptions): RunToAgUi {
  const { threadId, runId, start, restores } = options;
  const open = createOpenSequences();
  /** Reasoning of the attempt: MESSAGES_SNAPSHOT does not remove it, so it is emptied explicitly. */
  const reasoningIds = new Set<string>();
  let isStarted = false;
  let hasSaid = false;

  function* begin(): Generator<AgUiEvent> {
    if (isStarted) return;
    isStarted = true;
    const metadata = { serverThreadId: run.threadId, serverRunId: run.id };
    yield { type: 'RUN_STARTED', threadId, runId, metadata };
    if (restores) yield* goBack();
  }

  function* goBack(): Generator<AgUiEvent> {
    if (start === null) return;
    const keepsReasoning = start.messages.some(({ role }) => role === 'reasoning');
    const emptied = keepsReasoning
      ? []
      : Array.from(reasoningIds, (id) => ({ id, role: 'reasoning', content: '' }));
    yield { type: 'MESSAGES_SNAPSHOT', messages: [...start.messages, ...emptied] };
    yield { type: 'STATE_SNAPSHOT', snapshot: start.state ?? {} };
  }

  function* beginAttempt(attempt: unknown): Generator<AgUiEvent> {
    if (!isStarted) return yield* begin();
    yield* open.close();
    if (hasSaid) yield* goBack();
    hasSaid = false;
    yield { type: 'CUSTOM', name: RUN_ATTEMPT, value: { attempt } };
  }

  function* mapped({ type, data, at }: RunEvent): Generator<AgUiEvent> {
    if (type === 'RUN_STARTED' && data['runId'] === run.id) return yield* beginAttempt(data['attempt']);
    if (LIFECYCLE_EVENT_TYPES.has(type)) return;
    yield* begin();
    hasSaid = true;
    let event: AgUiEvent = { timestamp: Date.parse(at), ...data, type };
    if (type === 'TEXT_MESSAGE_CONTENT' && data['messageId'] === undefined) {
      const opening = { type: 'TEXT_MESSAGE_START', messageId: run.id, role: 'assistant' };
      if (open.accept(opening)) yield opening;
      event = { ...event, messageId: run.id };
    }
    if (WORKER_EVENT_TYPES.has(type) && open.accept(event)) {
      if (type.startsWith('REASONING_MESSAGE_') && typeof event['messageId'] === 'string') {
        reasoningIds.add(event['messageId']);
      }
      yield event;
    } else {
      yield { type: 'CUSTOM', timestamp: Date.parse(at), name: type, value: data };
    }
  }

  function* ended(end: RunEnd | null): Generator<AgUiEvent> {
    yield* begin();
    yield* open.close();
    yield last(end);
  }

  function last(end: RunEnd | null): AgUiEvent {
    if (end === null) return { type: 'RUN_ERROR', code: 'NOT_FOUND', message: 'The run was deleted.' };
    const { status, output, error, interrupt } = end;
    if (status === 'ERROR' || status === 'TIMEOUT') {
      return { type: 'RUN_ERROR', code: status, message: `The run ended with ${status}.`, ...error };
    }
    return { type: 'RUN_FINISHED', threadId, runId, ...outcome(status, output, interrupt) };
  }

  function outcome(
    status: RunEnd['status'],
    output: RunEnd['output'],
    interrupt: RunEnd['interrupt'],
  ): object {
    if (status === 'CANCELLED') return { outcome: { type: 'cancelled' } };
    if (status === 'INTERRUPTED') {
      return { outcome: { type: 'interrupt', interrupts: interruptsOf(run.id, interrupt ?? null) } };
    }
    return { outcome: { type: 'success' }, ...(output != null && { result: output }) };
  }

  return { map: (event) => [...mapped(event)], end: (end) => [...ended(end)] };
}
