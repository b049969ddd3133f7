import type { RunEvent } from '../execution.ts';
import type { EventChange } from '../detail.ts';
import { type Owner, ownedKey } from '../owner.ts';

/** Which events of a run are read. */
export interface EventRange {
  /** Events with a greater `seq`. */
  readonly after: number;
  readonly limit: number;
  /** The bytes at which reading stops, with the event that reaches them. */
  readonly maxBytes: number;
}

/** Where the events of runs are kept. */
export interface EventLog {
  /** Stores what a mutation does to the events of a run. */
  apply(owner: Owner, change: EventChange): void;
  /** Events of a run, in order. */
  read(owner: Owner, runId: string, range: EventRange): readonly RunEvent[];
  /** How many bytes of events are kept in memory. */
  readonly bytes: number;
}

/** Events in memory. */
export class MemoryEventLog implements EventLog {
  readonly #runs = new Map<string, RunEvent[]>();
  bytes = 0;

  apply(owner: Owner, { runId, appended }: EventChange): void {
    const key = ownedKey(owner, runId);
    const stored = this.#runs.get(key);
    if (appended === null) {
      this.bytes -= sizeOf(stored ?? []);
      this.#runs.delete(key);
      return;
    }
    const { events } = appended;
    this.bytes += sizeOf(events);
    if (stored === undefined) this.#runs.set(key, [...events]);
    else stored.push(...events);
  }

  read(owner: Owner, runId: string, { after, limit, maxBytes }: EventRange): readonly RunEvent[] {
    const stored = this.#runs.get(ownedKey(owner, runId)) ?? [];
    const first = stored[0]?.seq ?? 1;
    const start = Math.max(0, after - first + 1);
    return takeBytes(stored.slice(start, start + limit), maxBytes);
  }
}

/** The first events, up to and including the one that reaches `maxBytes`. */
function takeBytes(events: readonly RunEvent[], maxBytes: number): readonly RunEvent[] {
  let bytes = 0;
  const end = events.findIndex((event) => (bytes += sizeOf([event])) >= maxBytes);
  return end === -1 ? events : events.slice(0, end + 1);
}

/** Memory of an event besides its texts, in bytes. */
const BYTES_PER_EVENT = 150;

function sizeOf(events: readonly RunEvent[]): number {
  return events.reduce((sum, { type, data }) => sum + type.length + data.length + BYTES_PER_EVENT, 0);
}
