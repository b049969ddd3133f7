import type { Execution, PayloadChange, RunEvent, RunState, RunStep, SentEvent } from '../../execution.ts';
import type { CancelAction, JsonObject, Run, RunError, RunStatus } from '../../records.ts';
import { instant, nextInstant } from '../identity.ts';

/** A run as it is stored, and the `ended` that it gets if it ends now. */
export interface StoredRun extends RunState {
  /** The position of the next end among those of the thread's runs. */
  readonly nextEnded: number;
}

/** A step that changes fields of a run. @param now milliseconds since 1970 */
export function stepOf(
  stored: RunState,
  run: Partial<Run>,
  execution: Partial<Execution>,
  now: number,
): RunStep {
  return {
    run: changeRun(stored.run, run, now),
    execution: Object.freeze({ ...stored.execution, ...execution }),
    events: [],
    payloads: null,
  };
}

/** A run with changed fields. @param now milliseconds since 1970 */
export function changeRun(stored: Run, changes: Partial<Run>, now: number): Run {
  return Object.freeze({ ...stored, ...changes, updatedAt: nextInstant(stored.updatedAt, now) });
}

/** A step with events appended. @param now milliseconds since 1970 */
export function withEvents(step: RunStep, sent: readonly SentEvent[], now: number): RunStep {
  const { run, execution } = step;
  const at = instant(now);
  const events = sent.map(({ type, data }, index): RunEvent => {
    return { seq: execution.lastSeq + index + 1, attempt: run.attempt, type, data, at };
  });
  return {
    ...step,
    execution: Object.freeze({ ...execution, lastSeq: execution.lastSeq + sent.length }),
    events: [...step.events, ...events],
  };
}

/** How a run ends. */
export interface RunEnd {
  readonly status: Exclude<RunStatus, 'PENDING' | 'RUNNING'>;
  readonly error?: RunError | null;
  readonly interrupt?: JsonObject | null;
  /** The output as compact JSON. Default: the checkpoint, where the status leaves one. */
  readonly output?: string | undefined;
  /** What becomes of the checkpoint of a run that is CANCELLED. Default: it becomes the output. */
  readonly cancelAction?: CancelAction | null;
}

/**
 * Ends a run. Its last event is appended, if the run was ever claimed.
 * @param now milliseconds since 1970
 */
export function endRun(stored: StoredRun, end: RunEnd, now: number): RunStep {
  const { run, execution, nextEnded } = stored;
  const { status, error = null, interrupt = null } = end;
  const isDropped = status === 'CANCELLED' && end.cancelAction === 'ROLLBACK';
  const output = leavesOutput(status) && !isDropped ? outputOf(run, end.output) : undefined;
  const payloads: PayloadChange = {
    ...(output !== undefined && { output }),
    ...(isDropped && run.hasCheckpoint && { checkpoint: null }),
  };
  const changes = {
    status,
    ended: nextEnded,
    hasOutput: output !== undefined,
    hasCheckpoint: run.hasCheckpoint && !isDropped,
    error,
    interrupt,
    worker: null,
    availableAt: null,
    finishedAt: instant(now),
  };
  const ended: RunStep = {
    run: changeRun(run, changes, now),
    // A run that was never claimed has no execution to store.
    execution: execution.lease === null ? execution : Object.freeze({ ...execution, lease: null }),
    events: [],
    payloads: Object.keys(payloads).length === 0 ? null : payloads,
  };
  return execution.claims === 0 ? ended : withEvents(ended, [lastEvent(ended.run)], now);
}

/** The first event of an attempt. */
export function firstEvent({ threadId, id, attempt }: Run): SentEvent {
  return { type: 'RUN_STARTED', data: JSON.stringify({ threadId, runId: id, attempt }) };
}

function lastEvent({ threadId, id, status, error }: Run): SentEvent {
  if (status !== 'ERROR' && status !== 'TIMEOUT') {
    return { type: 'RUN_FINISHED', data: JSON.stringify({ threadId, runId: id, status }) };
  }
  const { code = status, message = `The run was set to ${status}.` } = error ?? {};
  return { type: 'RUN_ERROR', data: JSON.stringify({ code, message }) };
}

function leavesOutput(status: RunStatus): boolean {
  return status === 'SUCCESS' || status === 'INTERRUPTED' || status === 'CANCELLED';
}

function outputOf(run: Run, given: string | undefined): PayloadChange['output'] {
  if (given !== undefined) return given;
  return run.hasCheckpoint ? { copy: 'checkpoint' } : undefined;
}
