import { LRUCache } from 'lru-cache';
import type { Owner } from '../../owner.ts';

/** The most graphs whose next owner is remembered. */
const MAX_GRAPHS = 1_000;

/**
 * The owners whose runs the next claims probably take, by graph: those whose runs were announced last. A claim reads
 * their runs in the round trip that takes them. A wrong one costs that claim statements that find nothing.
 */
export class ExpectedOwners {
  readonly #byGraph = new LRUCache<string, Owner>({ max: MAX_GRAPHS });

  /** Called when a run of an owner can be claimed. */
  announce(owner: Owner, graphId: string): void {
    this.#byGraph.set(graphId, owner);
  }

  /** The owner that is expected for one of the graphs; null where there is none. */
  find(graphIds: readonly string[]): Owner | null {
    for (const graphId of graphIds) {
      const owner = this.#byGraph.get(graphId);
      if (owner !== undefined) return owner;
    }
    return null;
  }

  /** Forgets an owner whose runs were not those that a claim took. */
  forget(owner: Owner, graphIds: readonly string[]): void {
    for (const graphId of graphIds) {
      if (this.#byGraph.get(graphId) === owner) this.#byGraph.delete(graphId);
    }
  }
}
