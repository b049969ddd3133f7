import type { Change } from '../change.ts';
import type { Owner } from '../owner.ts';
import type { Cursors } from '../rules/cursor.ts';
import type { Creation } from '../rules/stored.ts';
import { Shelf } from './shelf.ts';

/** The records of all owners: a shelf for each, found by one look-up, so that none slows another. */
export class Database {
  readonly #shelves = new Map<Owner, Shelf>();
  readonly #publish: (owner: Owner, changes: readonly Change[]) => void;
  readonly cursors: Cursors;
  /** The time, in milliseconds since 1970. */
  readonly now: () => number;

  constructor(options: {
    readonly publish: (owner: Owner, changes: readonly Change[]) => void;
    readonly cursors: Cursors;
    readonly now: () => number;
  }) {
    this.#publish = options.publish;
    this.cursors = options.cursors;
    this.now = options.now;
  }

  /** An owner's records, to be read: an owner without any has an empty shelf that nobody keeps. */
  shelf(owner: Owner): Shelf {
    return this.#shelves.get(owner) ?? new Shelf();
  }

  /** Makes all changes of a mutation, then tells of them. They must follow from the shelf as it stands. */
  commit(owner: Owner, changes: readonly Change[]): void {
    this.#change(owner, (shelf) => {
      for (const change of changes) shelf.apply(change);
    });
    this.#publish(owner, changes);
  }

  /** Takes back the last mutation that has not been taken back, and tells of nothing. */
  undo(owner: Owner, changes: readonly Change[]): void {
    this.#change(owner, (shelf) => {
      for (const change of changes.toReversed()) shelf.revert(change);
    });
  }

  /** Takes in an owner's records that were stored earlier, in any order, and tells of nothing. */
  load(owner: Owner, records: readonly Creation[]): void {
    this.#change(owner, (shelf) => {
      for (const record of records) shelf.apply(record);
    });
  }

  #change(owner: Owner, change: (shelf: Shelf) => void): void {
    let shelf = this.#shelves.get(owner);
    if (shelf === undefined) this.#shelves.set(owner, (shelf = new Shelf()));
    change(shelf);
    if (shelf.isEmpty) this.#shelves.delete(owner);
  }
}
