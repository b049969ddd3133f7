import type { Key } from 'lmdb';
import { type OwnedDetail, PAYLOAD_NAMES } from '../archive.ts';
import type { RunPayloads } from '../execution.ts';
import type { Owner } from '../owner.ts';
import { compareCodePoints } from '../rules/text.ts';
import { DamagedFile } from './data-file-errors.ts';
import { AFTER_ALL, parseDetails } from './detail-entry.ts';
import { readEvents } from './event-entry.ts';
import type { Details, Environment } from './open-lmdb.ts';
import { withoutChecksum } from './record-entry.ts';

/**
 * Reads the details of an owner in the order of an archive. No more are in memory than the events of one run.
 * @throws DamagedFile about the first one that is not valid
 */
export function* sortedDetails(
  { details, events }: Pick<Environment, 'details' | 'events'>,
  owner: Owner,
): Generator<OwnedDetail, void, undefined> {
  const runs: { readonly id: string; readonly droppedSeq: number }[] = [];
  for (const { kind, id, after } of detailsOfKind(details, owner, 'execution')) {
    if (kind !== 'execution' || after === null) continue;
    yield { owner, detail: 'execution', id, value: after };
    if (after.lastSeq > after.droppedSeq) runs.push({ id, droppedSeq: after.droppedSeq });
  }
  for (const { id, name } of payloadKeys(details, owner)) {
    const value = details.get([owner, name, id]);
    if (value !== undefined) yield { owner, detail: 'payload', id, name, value: withoutChecksum(value, id) };
  }
  for (const { kind, id, after } of detailsOfKind(details, owner, 'key')) {
    if (kind === 'key' && after !== null) yield { owner, detail: 'key', id, value: after };
  }
  for (const { id, droppedSeq } of runs) {
    const range = { after: droppedSeq, limit: Infinity, maxBytes: Infinity };
    // All of a run: 16 MiB at most.
    for (const value of readEvents(events, owner, id, range)) yield { owner, detail: 'event', id, value };
  }
}

function* detailsOfKind(details: Details, owner: Owner, kind: 'execution' | 'key') {
  for (const entry of details.getRange(rangeOf(owner, kind))) yield* parseDetails([entry]);
}

/** Which payloads there are, by id and then by name. */
function payloadKeys(
  details: Details,
  owner: Owner,
): readonly { readonly id: string; readonly name: keyof RunPayloads }[] {
  return PAYLOAD_NAMES.flatMap((name) =>
    Array.from(details.getKeys(rangeOf(owner, name)), (key) => ({ id: idOf(key), name })),
  ).toSorted((a, b) => compareCodePoints(a.id, b.id));
}

function rangeOf(owner: Owner, kind: string) {
  return { start: [owner, kind], end: [owner, kind, AFTER_ALL] };
}

function idOf(key: Key): string {
  const id = Array.isArray(key) ? key[2] : undefined;
  if (typeof id !== 'string') throw new DamagedFile('it has a detail with an invalid key');
  return id;
}
