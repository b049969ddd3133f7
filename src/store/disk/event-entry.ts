import { isObject } from '../../lib/is-object.ts';
import type { EventChange } from '../detail.ts';
import type { RunEvent } from '../execution.ts';
import type { EventLog, EventRange } from '../memory/event-log.ts';
import type { Owner } from '../owner.ts';
import { DamagedFile } from './data-file-errors.ts';
import type { Events } from './open-lmdb.ts';
import { parseJson, withChecksum } from './record-entry.ts';

/** Greater than all `seq`s. */
const AFTER_ALL = Number.MAX_SAFE_INTEGER;

/** The events on disk: the journal writes them, and only what is durable is read. None are kept in memory. */
export function eventLogOnDisk(read: EventLog['read']): EventLog {
  return {
    apply: () => {},
    read,
    bytes: 0,
  };
}

/** Writes what a mutation does to the events of a run, within the caller's transaction. */
export function applyEvents(events: Events, owner: Owner, { runId, appended }: EventChange): void {
  if (appended === null) {
    const range = { start: [owner, runId, 0], end: [owner, runId, AFTER_ALL], snapshot: true };
    for (const key of events.getKeys(range)) void events.remove(key);
    return;
  }
  for (const event of appended.events) putEvent(events, owner, runId, event);
}

/** Writes an event, within the caller's transaction. */
export function putEvent(events: Events, owner: Owner, runId: string, { seq, ...event }: RunEvent): void {
  void events.put([owner, runId, seq], withChecksum(JSON.stringify(event)));
}

/** Reads events of a run, in order. @throws DamagedFile about the first one that is not valid */
export function readEvents(
  events: Events,
  owner: Owner,
  runId: string,
  { after, limit, maxBytes }: EventRange,
): readonly RunEvent[] {
  const range = {
    start: [owner, runId, after + 1],
    end: [owner, runId, AFTER_ALL],
    ...(Number.isFinite(limit) && { limit }),
  };
  const found: RunEvent[] = [];
  let bytes = 0;
  for (const { key, value } of events.getRange(range)) {
    const seq = Array.isArray(key) ? key[2] : undefined;
    if (typeof seq !== 'number') throw new DamagedFile('it has an event with an invalid key');
    found.push(parseEvent(seq, parseJson(value, runId)));
    bytes += value.length;
    if (bytes >= maxBytes) break;
  }
  return found;
}

function parseEvent(seq: number, value: unknown): RunEvent {
  if (isObject(value)) {
    const { attempt, type, data, at } = value;
    if (
      typeof attempt === 'number' &&
      typeof type === 'string' &&
      typeof data === 'string' &&
      typeof at === 'string'
    ) {
      return { seq, attempt, type, data, at };
    }
  }
  throw new DamagedFile(`the event ${seq} of a run is not valid`);
}
