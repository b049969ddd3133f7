import { type Outcome, type Refusal, refused } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { JsonObject, NewRun, Run, RunPatch, RunStatus } from '../records.ts';
import { instant, newId, nextInstant } from './identity.ts';
import { refuseNull } from './json.ts';
import { checkMetadata, mergeMetadata, newMetadata } from './metadata.ts';
import { isActive, refuseTransition } from './status.ts';

/**
 * A new run, or why it is refused.
 * @param exists whether the owner has the thread and the assistant that the input refers to
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
      id: newId(now),
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
 * A run with a patch applied; the same object when that changes nothing.
 * @param nextEnded the value of `ended` if the patch ends the run
 * @param now milliseconds since 1970
 */
export function applyRunPatch(
  owner: Owner,
  stored: Run,
  { status = stored.status, metadata: given }: CheckedRunPatch,
  nextEnded: number,
  now: number,
): Outcome<Run> {
  const refusal = refuseTransition(stored.status, status);
  if (refusal !== null) return refused(refusal);
  const metadata = mergeMetadata(owner, stored.metadata, given);
  if ('refusals' in metadata) return metadata;
  if (status === stored.status && metadata.value === stored.metadata) return { value: stored };
  return {
    value: Object.freeze({
      ...stored,
      status,
      ended: stored.ended ?? (isActive(status) ? null : nextEnded),
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

function notFound(key: string, resource: string): Refusal {
  return { code: 'NOT_FOUND', message: `There is no ${resource} with this id.`, key };
}
