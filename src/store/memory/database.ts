import type { Change, Creation } from '../change.ts';
import type { Owner } from '../owner.ts';
import type { Cursors } from '../rules/cursor.ts';
import { OwnerPartition } from './owner-partition.ts';

/** The records of all owners: a partition for each, so that the size of one does not slow down another. */
export class Database {
  readonly #partitions = new Map<Owner, OwnerPartition>();
  readonly #publish: (owner: Owner, changes: readonly Change[]) => void;
  readonly cursors: Cursors;
  /** The current time, in milliseconds since 1970. */
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

  /** An owner's records, to be read only: for an owner without records, an empty partition that is not kept. */
  partition(owner: Owner): OwnerPartition {
    return this.#partitions.get(owner) ?? new OwnerPartition();
  }

  /** Applies all changes of a mutation, then publishes them. They must follow from the partition's current state. */
  commit(owner: Owner, changes: readonly Change[]): void {
    this.#change(owner, (partition) => {
      for (const change of changes) partition.apply(change);
    });
    this.#publish(owner, changes);
  }

  /** Reverts the latest mutation that is not reverted yet. Nothing is published. */
  revert(owner: Owner, changes: readonly Change[]): void {
    this.#change(owner, (partition) => {
      for (const change of changes.toReversed()) partition.revert(change);
    });
  }

  /** Loads an owner's records that were stored earlier, in any order. Nothing is published. */
  load(owner: Owner, records: readonly Creation[]): void {
    this.#change(owner, (partition) => {
      for (const record of records) partition.apply(record);
    });
  }

  #change(owner: Owner, change: (partition: OwnerPartition) => void): void {
    let partition = this.#partitions.get(owner);
    if (partition === undefined) this.#partitions.set(owner, (partition = new OwnerPartition()));
    change(partition);
    if (partition.isEmpty) this.#partitions.delete(owner);
  }
}
