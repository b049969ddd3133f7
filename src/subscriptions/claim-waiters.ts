import type { Owner } from '../store/owner.ts';

/** A claim that waits for a run. */
export interface ClaimWaiter {
  readonly graphIds: readonly string[];
  /** The owner whose runs it waits for; null for those of all owners. */
  readonly owner: Owner | null;
  /** Called when there may be a run for it. It is removed before that: add it again to be called again. */
  readonly wake: () => void;
}

/** The claims that wait for runs, first in, first out. */
export interface ClaimWaiters {
  add(waiter: ClaimWaiter): void;
  remove(waiter: ClaimWaiter): void;
  /** Wakes one claim that waits for a run of this owner and graph. */
  notify(owner: Owner, graphId: string): void;
  /**
   * Wakes one claim of each graph, and of each owner that waits for its own runs of that graph: there may be runs.
   * @param graphIds Default: all graphs that claims wait for.
   */
  wakeOneOfEach(graphIds?: Iterable<string>): void;
}

/** The claims that wait for runs of one graph. */
interface GraphWaiters {
  readonly ofAll: Set<ClaimWaiter>;
  readonly byOwner: Map<Owner, Set<ClaimWaiter>>;
}

/** Creates an empty registry. */
export function createClaimWaiters(): ClaimWaiters {
  const graphs = new Map<string, GraphWaiters>();

  function add(waiter: ClaimWaiter): void {
    for (const graphId of waiter.graphIds) {
      let graph = graphs.get(graphId);
      if (graph === undefined) {
        graph = { ofAll: new Set<ClaimWaiter>(), byOwner: new Map<Owner, Set<ClaimWaiter>>() };
        graphs.set(graphId, graph);
      }
      if (waiter.owner === null) graph.ofAll.add(waiter);
      else graph.byOwner.set(waiter.owner, (graph.byOwner.get(waiter.owner) ?? new Set()).add(waiter));
    }
  }

  function remove(waiter: ClaimWaiter): void {
    for (const graphId of waiter.graphIds) {
      const graph = graphs.get(graphId);
      if (graph === undefined) continue;
      graph.ofAll.delete(waiter);
      const own = waiter.owner === null ? undefined : graph.byOwner.get(waiter.owner);
      own?.delete(waiter);
      if (waiter.owner !== null && own?.size === 0) graph.byOwner.delete(waiter.owner);
      if (graph.ofAll.size + graph.byOwner.size === 0) graphs.delete(graphId);
    }
  }

  function wakeFirst(waiters: ReadonlySet<ClaimWaiter> | undefined): boolean {
    const [first] = waiters ?? [];
    if (first === undefined) return false;
    remove(first);
    first.wake();
    return true;
  }

  return {
    add,
    remove,
    notify(owner, graphId) {
      const graph = graphs.get(graphId);
      if (!wakeFirst(graph?.byOwner.get(owner))) wakeFirst(graph?.ofAll);
    },
    wakeOneOfEach(graphIds = [...graphs.keys()]) {
      for (const graphId of graphIds) {
        const { ofAll, byOwner } = graphs.get(graphId) ?? {};
        wakeFirst(ofAll);
        for (const own of byOwner === undefined ? [] : Array.from(byOwner.values())) wakeFirst(own);
      }
    },
  };
}
