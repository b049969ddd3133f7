import type { OrderField } from '../query.ts';
import type { Sortable } from '../rules/order.ts';
import { SortedIndex } from './sorted-index.ts';

/** Records of one resource, by id and sorted. */
export class Table<R extends Sortable> {
  readonly #byId = new Map<string, R>();
  readonly index: SortedIndex<R>;

  constructor(orders: readonly OrderField[]) {
    this.index = new SortedIndex(orders);
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): R | null {
    return this.#byId.get(id) ?? null;
  }

  /** Replaces a record; adds it where `before` is null, and removes it where `after` is null. */
  replace(before: R | null, after: R | null): void {
    this.index.replace(before, after);
    if (after !== null) this.#byId.set(after.id, after);
    else if (before !== null) this.#byId.delete(before.id);
  }
}
