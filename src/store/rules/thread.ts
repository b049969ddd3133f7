import type { Change } from '../change.ts';
import type { Outcome } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { JsonObject, NewThread, Thread } from '../records.ts';
import { instant, newId, nextInstant } from './identity.ts';
import { checkMetadata, mergeMetadata, newMetadata } from './metadata.ts';

/** A new thread, or why it is refused. @param now milliseconds since 1970 */
export function newThread(owner: Owner, input: NewThread, now: number): Outcome<Thread> {
  const given = checkMetadata(input.metadata);
  if ('refusals' in given) return given;
  const metadata = newMetadata(owner, given.value);
  if ('refusals' in metadata) return metadata;
  const createdAt = instant(now);
  return {
    value: Object.freeze({
      id: newId(now),
      status: 'IDLE',
      valuesRunId: null,
      metadata: metadata.value,
      createdAt,
      updatedAt: createdAt,
    }),
  };
}

/**
 * A thread with metadata merged in; the same object when that changes nothing.
 * @param given the result of `checkMetadata`
 * @param now milliseconds since 1970
 */
export function applyThreadPatch(
  owner: Owner,
  stored: Thread,
  given: JsonObject | undefined,
  now: number,
): Outcome<Thread> {
  const metadata = mergeMetadata(owner, stored.metadata, given);
  if ('refusals' in metadata) return metadata;
  if (metadata.value === stored.metadata) return { value: stored };
  const updatedAt = nextInstant(stored.updatedAt, now);
  return { value: Object.freeze({ ...stored, metadata: metadata.value, updatedAt }) };
}

/** The fields of a thread that follow from its runs. */
export type ThreadState = Pick<Thread, 'status' | 'valuesRunId'>;

/** The change of a thread that follows from its runs; none where it stays as it is. @param now milliseconds since 1970 */
export function threadChange(thread: Thread, state: ThreadState, now: number): readonly Change[] {
  const after = withThreadState(thread, state, now);
  return after === thread ? [] : [{ resource: 'thread', before: thread, after }];
}

function withThreadState(stored: Thread, { status, valuesRunId }: ThreadState, now: number): Thread {
  if (stored.status === status && stored.valuesRunId === valuesRunId) return stored;
  return Object.freeze({ ...stored, status, valuesRunId, updatedAt: nextInstant(stored.updatedAt, now) });
}
