import type { Change } from '../change.ts';
import type { Owner } from '../owner.ts';
import type { Cursors } from '../rules/cursor.ts';
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
    let shelf = this.#shelves.get(owner);
    if (shelf === undefined) this.#shelves.set(owner, (shelf = new Shelf()));
    for (const change of changes) shelf.apply(change);
    if (shelf.isEmpty) this.#shelves.delete(owner);
    this.#publish(owner, changes);
  }
}
