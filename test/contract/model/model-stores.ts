import type { Change } from '../../../src/store/change.ts';
import type { Owner } from '../../../src/store/owner.ts';
import type {
  Assistant,
  Json,
  JsonObject,
  Run,
  RunStatus,
  Thread,
  ThreadStatus,
} from '../../../src/store/records.ts';
import type { AnyRecord } from '../../support/records.ts';
import { THREAD_AFTER } from '../status-table.ts';

/** What one owner has: a map for each resource. */
export interface OwnerPartition {
  readonly assistants: Map<string, Assistant>;
  readonly threads: Map<string, Thread>;
  readonly runs: Map<string, Run>;
}

/** A change as the model expects it to be told. */
export interface ModelChange {
  readonly owner: Owner;
  readonly resource: Change['resource'];
  readonly before: AnyRecord | null;
  readonly after: AnyRecord | null;
}

/** Stores made of plain maps. Each answer looks at everything anew, so that nothing can be out of date. */
export class ModelStores {
  readonly #partitions: ReadonlyMap<Owner, OwnerPartition>;
  #ends = 0;
  /** The ids that there have been, of all owners and resources. */
  readonly ids: string[] = [];
  /** What the current command changed. */
  told: ModelChange[] = [];
  now = 0;

  constructor(owners: readonly Owner[]) {
    this.#partitions = new Map(
      owners.map((owner) => [owner, { assistants: new Map(), threads: new Map(), runs: new Map() }]),
    );
  }

  partition(owner: Owner): OwnerPartition {
    const partition = this.#partitions.get(owner);
    if (partition === undefined) throw new Error(`The model knows no ${owner}.`);
    return partition;
  }

  /** Puts a record in its place, which tells of it. */
  put<R extends AnyRecord>(owner: Owner, resource: Change['resource'], map: Map<string, R>, after: R): R {
    this.told.push({ owner, resource, before: map.get(after.id) ?? null, after });
    map.set(after.id, after);
    return after;
  }

  /** Takes a record out, which tells of it. */
  remove<R extends AnyRecord>(owner: Owner, resource: Change['resource'], map: Map<string, R>, before: R): R {
    this.told.push({ owner, resource, before, after: null });
    map.delete(before.id);
    return before;
  }

  /** Gives a thread the status that its runs make. */
  settle(owner: Owner, threadId: string): void {
    const { threads, runs } = this.partition(owner);
    const thread = threads.get(threadId);
    if (thread === undefined) return;
    const status = statusFrom([...runs.values()].filter((run) => run.threadId === threadId));
    if (status === thread.status) return;
    this.put(owner, 'thread', threads, { ...thread, status, updatedAt: this.after(thread) });
  }

  /** The next place among all ends. */
  nextEnd(): number {
    return ++this.#ends;
  }

  /** The times of a new record. */
  born(): Record<'createdAt' | 'updatedAt', string> {
    const createdAt = new Date(this.now).toISOString();
    return { createdAt, updatedAt: createdAt };
  }

  /** The time of a change: now, but later than the last one. */
  after({ updatedAt }: { readonly updatedAt: string }): string {
    return new Date(Math.max(this.now, Date.parse(updatedAt) + 1)).toISOString();
  }

  /** All that an owner has, newest first. */
  everythingOf(owner: Owner): Record<keyof OwnerPartition, readonly AnyRecord[]> {
    const { assistants, threads, runs } = this.partition(owner);
    return {
      assistants: newestFirst(assistants),
      threads: newestFirst(threads),
      runs: newestFirst(runs),
    };
  }
}

/** Whether a run with this status has still to end. */
export function isActive(status: RunStatus): boolean {
  return ['PENDING', 'RUNNING'].includes(status);
}

/** Metadata after a merge, key by key. */
export function merge(owner: Owner, stored: JsonObject, given: JsonObject): JsonObject {
  const merged = new Map(Object.entries(stored));
  for (const [key, value] of Object.entries(given)) {
    if (value === null) merged.delete(key);
    else merged.set(key, value);
  }
  return Object.fromEntries(merged.set('owner', owner));
}

/** Whether two JSON values are the same, with the keys in any order. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [x, y] = [Object.entries(a), new Map<string, Json>(Object.entries(b))];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    x.length === y.size &&
    x.every(([key, value]) => y.has(key) && same(value, y.get(key)))
  );
}

function statusFrom(runs: readonly Run[]): ThreadStatus {
  if (runs.some(({ status }) => isActive(status))) return 'BUSY';
  const last = runs.toSorted((a, b) => (a.ended ?? 0) - (b.ended ?? 0)).at(-1);
  return last === undefined ? 'IDLE' : THREAD_AFTER[last.status];
}

function newestFirst<R extends AnyRecord>(records: ReadonlyMap<string, R>): R[] {
  const place = ({ createdAt, id }: R): string => `${createdAt} ${id}`;
  return [...records.values()].toSorted((a, b) => (place(a) < place(b) ? 1 : -1));
}
