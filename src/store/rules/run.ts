import type { Change } from '../change.ts';
import type { RunState, RunStep } from '../execution.ts';
import { type Outcome, type Refusal, refused } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { JsonObject, NewRun, Run, RunPatch, RunStatus, Thread } from '../records.ts';
import { cancelRun } from './execution/cancel.ts';
import { isHeld } from './execution/state.ts';
import { changeRun, endRun, type StoredRun } from './execution/steps.ts';
import { instant, newId } from './identity.ts';
import { MAX_PAYLOAD_BYTES, refuseNull, storableText } from './json.ts';
import { checkMetadata, mergeMetadata, newMetadata } from './metadata.ts';
import { isActive, refuseTransition } from './status.ts';
import { invalid } from './text.ts';
import { newThread as createThread, threadChange } from './thread.ts';

/** The longest delay of a run, and the longest pause before another attempt, in seconds: 30 days. */
export const MAX_DELAY = 2_592_000;
/** The longest `timeoutSeconds`: 7 days. */
const MAX_TIMEOUT = 604_800;
const MAX_ATTEMPTS = 100;

/** The input of a new run, checked, copied and frozen. */
export interface CheckedNewRun {
  /** Null for a new thread. */
  readonly threadId: string | null;
  readonly assistantId: string;
  readonly metadata: JsonObject;
  /** Compact JSON. */
  readonly input: string | null;
  readonly resumes: string | null;
  readonly multitaskStrategy: Run['multitaskStrategy'];
  readonly delaySeconds: number;
  readonly timeoutSeconds: number | null;
  readonly maxAttempts: number;
  readonly traceparent: string | null;
}

/** Checks the input of a new run, as far as possible without what is stored. */
export function checkNewRun(owner: Owner, input: NewRun): Outcome<CheckedNewRun> {
  const { delaySeconds = 0, timeoutSeconds = null, maxAttempts = 3 } = input;
  const given = checkMetadata(input.metadata);
  const metadata = 'refusals' in given ? given : newMetadata(owner, given.value);
  const payload: Outcome<string | null> =
    input.input == null ? { value: null } : storableText('input', input.input, MAX_PAYLOAD_BYTES);
  const refusals = [
    ...('refusals' in metadata ? metadata.refusals : []),
    ...('refusals' in payload ? payload.refusals : []),
    ...refuseRange('delaySeconds', delaySeconds, 0, MAX_DELAY),
    ...(timeoutSeconds === null ? [] : refuseRange('timeoutSeconds', timeoutSeconds, 1, MAX_TIMEOUT)),
    ...refuseRange('maxAttempts', maxAttempts, 1, MAX_ATTEMPTS),
  ];
  if (refusals.length > 0 || 'refusals' in metadata || 'refusals' in payload) return { refusals };
  return {
    value: {
      threadId: input.threadId ?? null,
      assistantId: input.assistantId,
      metadata: metadata.value,
      input: payload.value,
      resumes: input.resumes ?? null,
      multitaskStrategy: input.multitaskStrategy ?? 'ENQUEUE',
      delaySeconds,
      timeoutSeconds,
      maxAttempts,
      traceparent: input.traceparent ?? null,
    },
  };
}

/** Why a whole number is not accepted: none or one refusal. */
export function refuseRange(key: string, value: number, min: number, max: number): readonly Refusal[] {
  if (Number.isInteger(value) && value >= min && value <= max) return [];
  return [invalid(key, `\`${key}\` is ${value}: ${min} to ${max} is accepted.`)];
}

/** The stored records that a new run depends on. */
export interface NewRunContext {
  /** The thread that the input names; null where there is none. */
  readonly thread: Thread | null;
  readonly hasAssistant: boolean;
  /** The run that the input resumes; null where there is none. */
  readonly resumed: Run | null;
  /** The active runs of the thread, in the order in which they were created. */
  readonly active: readonly RunState[];
  /** The `ended` of the thread's next run that ends. */
  readonly nextEnded: number;
}

/** A new run, and all that is created and changed with it. */
export interface RunCreation {
  readonly run: Run;
  /** The cancellations of the thread's active runs. */
  readonly cancellations: readonly Cancellation[];
  /** The changes of all records, in the order in which they are published. */
  readonly changes: readonly Change[];
}

/** The cancellation of an active run by a new one. */
export interface Cancellation {
  readonly stored: RunState;
  readonly step: RunStep;
}

/** A new run, or why it is refused. @param now milliseconds since 1970 */
export function newRun(
  owner: Owner,
  input: CheckedNewRun,
  context: NewRunContext,
  now: number,
): Outcome<RunCreation> {
  const { multitaskStrategy, delaySeconds } = input;
  const missing = [
    ...(input.threadId === null || context.thread !== null ? [] : [notFound('threadId', 'thread')]),
    ...(context.hasAssistant ? [] : [notFound('assistantId', 'assistant')]),
    ...(input.resumes === null || context.resumed !== null ? [] : [notFound('resumes', 'run')]),
  ];
  if (missing.length > 0) return { refusals: missing };
  const conflict = refuseResumption(input, context) ?? refuseParallel(input, context);
  if (conflict !== null) return refused(conflict);
  const created = context.thread === null ? createThread(owner, {}, now) : null;
  if (created !== null && 'refusals' in created) return created;
  const createdAt = instant(now);
  const run: Run = Object.freeze({
    id: newId(now),
    threadId: (created?.value ?? context.thread)?.id ?? '',
    assistantId: input.assistantId,
    status: 'PENDING',
    ended: null,
    hasInput: input.input !== null,
    hasOutput: false,
    hasCheckpoint: false,
    error: null,
    interrupt: null,
    resumes: input.resumes,
    multitaskStrategy,
    attempt: 0,
    maxAttempts: input.maxAttempts,
    timeoutSeconds: input.timeoutSeconds,
    assistantVersion: null,
    worker: null,
    availableAt: delaySeconds === 0 ? createdAt : instant(now + delaySeconds * 1_000),
    startedAt: null,
    finishedAt: null,
    cancelRequestedAt: null,
    traceparent: input.traceparent,
    metadata: input.metadata,
    createdAt,
    updatedAt: createdAt,
  });
  const cancellations =
    multitaskStrategy === 'INTERRUPT' || multitaskStrategy === 'ROLLBACK'
      ? cancelAll(context, multitaskStrategy, now)
      : [];
  const newThread = created && Object.freeze({ ...created.value, status: 'BUSY' as const });
  const changes: readonly Change[] = [
    ...(newThread === null ? [] : [{ resource: 'thread', before: null, after: newThread } as const]),
    ...cancellations.map(({ stored, step }): Change => {
      return { resource: 'run', before: stored.run, after: step.run };
    }),
    { resource: 'run', before: null, after: run },
    ...(context.thread === null ? [] : threadChanges(context.thread, cancellations, now)),
  ];
  return { value: { run, cancellations, changes } };
}

/** The change of the thread of a new run. */
function threadChanges(
  thread: Thread,
  cancellations: readonly Cancellation[],
  now: number,
): readonly Change[] {
  const last = cancellations.findLast(({ step }) => step.run.hasOutput);
  const valuesRunId = last?.step.run.id ?? thread.valuesRunId;
  return threadChange(thread, { status: 'BUSY', valuesRunId }, now);
}

function cancelAll(
  { active, nextEnded }: NewRunContext,
  action: 'INTERRUPT' | 'ROLLBACK',
  now: number,
): readonly Cancellation[] {
  const cancellations: Cancellation[] = [];
  let next = nextEnded;
  for (const stored of active) {
    const step = cancelRun({ ...stored, nextEnded: next }, action, now);
    if (step === null) continue;
    if (step.run.ended !== null) next++;
    cancellations.push({ stored, step });
  }
  return cancellations;
}

function refuseResumption(
  { resumes, threadId }: CheckedNewRun,
  { resumed, active, nextEnded }: NewRunContext,
): Refusal | null {
  if (resumes === null || resumed === null) return null;
  const isLast = resumed.threadId === threadId && resumed.ended === nextEnded - 1;
  const isAnswered = active.some(({ run }) => run.resumes === resumes);
  if (isLast && resumed.status === 'INTERRUPTED' && !isAnswered) return null;
  const message = isAnswered
    ? 'The run that `resumes` names has been answered already.'
    : '`resumes` must name the run of the thread that ended last, and that run must be INTERRUPTED.';
  return { code: 'CONFLICT', message, key: 'resumes' };
}

function refuseParallel({ multitaskStrategy }: CheckedNewRun, { active }: NewRunContext): Refusal | null {
  if (multitaskStrategy !== 'REJECT' || active.length === 0) return null;
  const message = 'A run of the thread is pending or running: wait until it has ended, or choose a strategy.';
  return { code: 'CONFLICT', message, key: 'threadId' };
}

/** The checked input of a changed run, copied and frozen. */
export interface CheckedRunPatch {
  readonly status: RunStatus | undefined;
  readonly metadata: JsonObject | undefined;
}

/** Checks the input of a changed run, as far as possible without the stored record. */
export function checkRunPatch({ status, metadata }: RunPatch): Outcome<CheckedRunPatch> {
  const given = checkMetadata(metadata);
  if (status === null) {
    return refused(refuseNull('status'), ...('refusals' in given ? given.refusals : []));
  }
  return 'refusals' in given ? given : { value: { status, metadata: given.value } };
}

/**
 * A run with a patch applied; null where that changes nothing.
 * @param now milliseconds since 1970
 */
export function applyRunPatch(
  owner: Owner,
  stored: StoredRun,
  { status = stored.run.status, metadata: given }: CheckedRunPatch,
  now: number,
): Outcome<RunStep | null> {
  const { run, execution } = stored;
  const refusal = refuseTransition(run.status, status) ?? refuseHeld(stored, status, now);
  if (refusal !== null) return refused(refusal);
  const metadata = mergeMetadata(owner, run.metadata, given);
  if ('refusals' in metadata) return metadata;
  if (status === run.status) {
    if (metadata.value === run.metadata) return { value: null };
    const changed = changeRun(run, { metadata: metadata.value }, now);
    return { value: { run: changed, execution, events: [], payloads: null } };
  }
  const labelled = { ...stored, run: { ...run, metadata: metadata.value } };
  if (status !== 'PENDING' && status !== 'RUNNING') {
    return { value: endRun(labelled, { status, cancelAction: execution.cancelAction }, now) };
  }
  const begun = { status, availableAt: null, startedAt: instant(now) };
  return { value: { run: changeRun(labelled.run, begun, now), execution, events: [], payloads: null } };
}

function refuseHeld(stored: StoredRun, status: RunStatus, now: number): Refusal | null {
  if (status === stored.run.status || !isHeld(stored, now)) return null;
  const message = 'A worker holds the run, and alone can move it: `cancelRun` asks it to stop.';
  return { code: 'CONFLICT', message, key: 'status' };
}

/** Why a run cannot be deleted, or null when it can. */
export function refuseRunDelete({ status }: Run): Refusal | null {
  if (!isActive(status)) return null;
  return { code: 'CONFLICT', message: `The run is ${status}: end it before it is deleted.`, key: 'id' };
}

function notFound(key: string, resource: string): Refusal {
  return { code: 'NOT_FOUND', message: `There is no ${resource} with this id.`, key };
}
