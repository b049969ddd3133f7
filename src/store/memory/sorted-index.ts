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

/** The same records in several orders, each a B+ tree: a change and the search for a position take O(log n). */
export class SortedIndex<R extends Sortable> {
  readonly #orders: readonly OrderField[];
  readonly #trees: readonly Tree<R>[];

  constructor(orders: readonly OrderField[]) {
    this.#orders = orders;
    this.#trees = orders.map((field) => new sortedBTree.default<Sortable, R>(undefined, COMPARE[field]));
  }

  /** How many records there are. */
  get size(): number {
    return this.#trees[0]?.size ?? 0;
  }

  /** Replaces a record; adds it where `before` is null, and removes it where `after` is null. */
  replace(before: R | null, after: R | null): void {
    for (const [index, tree] of this.#trees.entries()) {
      const field = this.#orders[index] ?? 'CREATED_AT';
      if (before !== null && (after === null || COMPARE[field](before, after) !== 0)) tree.delete(before);
      if (after !== null) tree.set(after, after);
    }
  }

  /** The records of a range, in its order. The index must not change during the iteration. */
  *scan({ field, ascending, from }: ScanRange): Generator<R, void, undefined> {
    const tree = this.#trees[this.#orders.indexOf(field)];
    if (tree === undefined) throw new TypeError(`This index has no order by ${field}.`);
    const start = from === undefined ? undefined : sortableAt(from.position);
    const skip = start !== undefined && from?.inclusive === false ? start : undefined;
    // The library reuses this array for each entry.
    const pair: [] = [];
    const pairs = ascending ? tree.entries(start, pair) : tree.entriesReversed(start, pair);
    for (const [key, record] of pairs) {
      if (skip === undefined || COMPARE[field](key, skip) !== 0) yield record;
    }
  }
}
