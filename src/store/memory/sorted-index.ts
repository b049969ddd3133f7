import sortedBTree from 'sorted-btree';
import type { OrderField } from '../query.ts';
import { COMPARE, type Position, type Sortable, sortableAt } from '../rules/order.ts';

/** The orders of threads and of runs. */
export const TIME_ORDERS: readonly OrderField[] = ['CREATED_AT', 'UPDATED_AT'];
/** The orders of assistants. */
export const ASSISTANT_ORDERS: readonly OrderField[] = [...TIME_ORDERS, 'NAME'];

/** The range of a scan: in an order, from one end or from a position on. */
export interface ScanRange {
  readonly field: OrderField;
  readonly ascending: boolean;
  /** Undefined for the start of the index in this direction. */
  readonly from?: { readonly position: Position; readonly inclusive: boolean } | undefined;
}

type Tree<R> = InstanceType<typeof sortedBTree.default<Sortable, R>>;

/** Up to this many records are kept in an array: trees of a few take ten times the memory. */
const FEW = 8;

/** The same records in several orders, each a B+ tree: a change and the search for a position take O(log n). */
export class SortedIndex<R extends Sortable> {
  readonly #orders: readonly OrderField[];
  /** The records in no order, while they are few; null once there are trees. */
  #few: readonly R[] | null = [];
  #trees: readonly Tree<R>[] = [];

  constructor(orders: readonly OrderField[]) {
    this.#orders = orders;
  }

  /** How many records there are. */
  get size(): number {
    return this.#few?.length ?? this.#trees[0]?.size ?? 0;
  }

  /** Replaces a record; adds it where `before` is null, and removes it where `after` is null. */
  replace(before: R | null, after: R | null): void {
    if (this.#few === null) return this.#replaceInTrees(before, after);
    const id = (before ?? after)?.id;
    const others = this.#few.filter((record) => record.id !== id);
    this.#few = after === null ? others : [...others, after];
    if (this.#few.length > FEW) this.#growTrees(this.#few);
  }

  /** The records of a range, in its order. The index must not change during the iteration. */
  *scan({ field, ascending, from }: ScanRange): Generator<R, void, undefined> {
    const compare = COMPARE[field];
    const start = from === undefined ? undefined : sortableAt(from.position);
    const skip = start !== undefined && from?.inclusive === false ? start : undefined;
    const sign = ascending ? 1 : -1;
    if (this.#few !== null) {
      for (const record of this.#few.toSorted((a, b) => sign * compare(a, b))) {
        if (start !== undefined && sign * compare(record, start) < 0) continue;
        if (skip === undefined || compare(record, skip) !== 0) yield record;
      }
      return;
    }
    const tree = this.#trees[this.#orders.indexOf(field)];
    if (tree === undefined) throw new TypeError(`This index has no order by ${field}.`);
    // The library reuses this array for each entry.
    const pair: [] = [];
    const pairs = ascending ? tree.entries(start, pair) : tree.entriesReversed(start, pair);
    for (const [key, record] of pairs) {
      if (skip === undefined || compare(key, skip) !== 0) yield record;
    }
  }

  #growTrees(records: readonly R[]): void {
    this.#few = null;
    this.#trees = this.#orders.map(
      (field) => new sortedBTree.default<Sortable, R>(undefined, COMPARE[field]),
    );
    for (const record of records) this.#replaceInTrees(null, record);
  }

  #replaceInTrees(before: R | null, after: R | null): void {
    for (const [index, tree] of this.#trees.entries()) {
      const field = this.#orders[index] ?? 'CREATED_AT';
      if (before !== null && (after === null || COMPARE[field](before, after) !== 0)) tree.delete(before);
      if (after !== null) tree.set(after, after);
    }
  }
}
