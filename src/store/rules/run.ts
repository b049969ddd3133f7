import { type Outcome, type Refusal, refused } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { JsonObject, NewRun, Run, RunChanges, RunStatus } from '../records.ts';
import { instant, newId, nextInstant } from './identity.ts';
import { refuseNull } from './json.ts';
import { checkMetadata, mergeMetadata, newMetadata } from './metadata.ts';
import { isActive, refuseMove } from './status.ts';

/**
 * A new run, or why it cannot be stored.
 * @param exists whether the owner has the thread and the assistant that the input names
 * @param now milliseconds since 1970
 */
export function newRun(
  owner: Owner,
  input: NewRun,
  exists: { readonly thread: boolean; readonly assistant: boolean },
  now: number,
): Outcome<Run> {
  const given = checkMetadata(input.metadata);
  if ('refusals' in given) return given;
  const metadata = newMetadata(owner, given.value);
  if ('refusals' in metadata) return metadata;
  const missing = [
    ...(exists.thread ? [] : [notFound('threadId', 'thread')]),
    ...(exists.assistant ? [] : [notFound('assistantId', 'assistant')]),
  ];
  if (missing.length > 0) return { refusals: missing };
  const createdAt = instant(now);
  return {
    value: Object.freeze({
      id: newId(),
      threadId: input.threadId,
      assistantId: input.assistantId,
      status: 'PENDING',
      ended: null,
      metadata: metadata.value,
      createdAt,
      updatedAt: createdAt,
    }),
  };
}

/** What a caller changes of a run, checked and copied. */
export interface CheckedRun {
  readonly status: RunStatus | undefined;
  readonly metadata: JsonObject | undefined;
}

/** Checks what can be checked without the run itself. */
export function checkRun({ status, metadata }: RunChanges): Outcome<CheckedRun> {
  const given = checkMetadata(metadata);
  if (status === null) {
    return refused(refuseNull('status'), ...('refusals' in given ? given.refusals : []));
  }
  return 'refusals' in given ? given : { value: { status, metadata: given.value } };
}

/**
 * A run with changes applied; the very same run when they change nothing.
 * @param end the place of its end among its thread's, should this end it
 * @param now milliseconds since 1970
 */
export function changeRun(
  owner: Owner,
  stored: Run,
  { status = stored.status, metadata: given }: CheckedRun,
  end: number,
  now: number,
): Outcome<Run> {
  const refusal = refuseMove(stored.status, status);
  if (refusal !== null) return refused(refusal);
  const metadata = mergeMetadata(owner, stored.metadata, given);
  if ('refusals' in metadata) return metadata;
  if (status === stored.status && metadata.value === stored.metadata) return { value: stored };
  return {
    value: Object.freeze({
      ...stored,
      status,
      ended: stored.ended ?? (isActive(status) ? null : end),
      metadata: metadata.value,
      updatedAt: nextInstant(stored.updatedAt, now),
    }),
  };
}

/** Why a run cannot be deleted, or null when it can. */
export function refuseRunDelete({ status }: Run): Refusal | null {
  if (!isActive(status)) return null;
  return { code: 'CONFLICT', message: `The run is ${status}: end it before it is deleted.`, key: 'id' };
}

function notFound(key: string, what: string): Refusal {
  return { code: 'NOT_FOUND', message: `There is no ${what} with this id.`, key };
}
