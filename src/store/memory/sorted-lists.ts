import sortedBTree from 'sorted-btree';
import type { OrderField } from '../query.ts';
import { COMPARE, type Position, type Sortable, standIn } from '../rules/order.ts';

/** A walk through a list: from one of its ends, or from a position that is itself left out or not. */
export interface Walk {
  readonly field: OrderField;
  readonly ascending: boolean;
  readonly from?: { readonly position: Position; readonly inclusive: boolean } | undefined;
}

type Tree<R> = InstanceType<typeof sortedBTree.default<Sortable, R>>;

/** The same records in several orders, each a B+ tree: to change one or to find a position costs O(log n). */
export class SortedLists<R extends Sortable> {
  readonly #fields: readonly OrderField[];
  readonly #trees: readonly Tree<R>[];

  constructor(fields: readonly OrderField[]) {
    this.#fields = fields;
    this.#trees = fields.map((field) => new sortedBTree.default<Sortable, R>(undefined, COMPARE[field]));
  }

  /** How many records there are: O(1). */
  get size(): number {
    return this.#trees[0]?.size ?? 0;
  }

  /** Puts a record in the place of what it was before, or in a new one, or takes it out. */
  replace(before: R | null, after: R | null): void {
    for (const [index, tree] of this.#trees.entries()) {
      const field = this.#fields[index] ?? 'CREATED_AT';
      if (before !== null && (after === null || COMPARE[field](before, after) !== 0)) tree.delete(before);
      if (after !== null) tree.set(after, after);
    }
  }

  /** The records from a position on. The list must not change until the caller has what it wants. */
  *walk({ field, ascending, from }: Walk): Generator<R, void, undefined> {
    const tree = this.#trees[this.#fields.indexOf(field)];
    if (tree === undefined) throw new TypeError(`This list has no order by ${field}.`);
    const start = from === undefined ? undefined : standIn(from.position);
    const skip = start !== undefined && from?.inclusive === false ? start : undefined;
    // The library fills one array again and again, rather than make one for each record.
    const pair: [] = [];
    const pairs = ascending ? tree.entries(start, pair) : tree.entriesReversed(start, pair);
    for (const [key, record] of pairs) {
      if (skip === undefined || COMPARE[field](key, skip) !== 0) yield record;
    }
  }
}
