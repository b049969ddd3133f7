import sortedBTree from 'sorted-btree';
import type { Owner } from '../owner.ts';
import type { Run } from '../records.ts';
import { compareCreation } from '../rules/execution/order.ts';

type Runs = InstanceType<typeof sortedBTree.default<Run, null>>;

/** The runs of one owner that can be claimed, and the owner's turn in the round robin: the lowest is next. */
interface OwnerRuns {
  readonly owner: Owner;
  /** By creation. */
  readonly runs: Runs;
  turn: number;
}

/** The runs of one graph that can be claimed. */
class GraphRuns {
  readonly #byOwner = new Map<Owner, OwnerRuns>();
  /** The owners by turn. */
  readonly #turns = new sortedBTree.default<number, OwnerRuns>();

  get isEmpty(): boolean {
    return this.#byOwner.size === 0;
  }

  add(owner: Owner, run: Run, turn: number): void {
    let own = this.#byOwner.get(owner);
    if (own === undefined) {
      own = { owner, runs: new sortedBTree.default<Run, null>(undefined, compareCreation), turn };
      this.#byOwner.set(owner, own);
      this.#turns.set(turn, own);
    }
    own.runs.set(run, null);
  }

  remove(owner: Owner, run: Run): void {
    const own = this.#byOwner.get(owner);
    if (own === undefined) return;
    own.runs.delete(run);
    if (own.runs.size > 0) return;
    this.#byOwner.delete(owner);
    this.#turns.delete(own.turn);
  }

  /** The owner whose turn it is. */
  get first(): OwnerRuns | null {
    return this.#turns.getPairOrNextHigher(-Infinity)?.[1] ?? null;
  }

  /** Gives an owner another turn. */
  setTurn(owner: Owner, turn: number): void {
    const own = this.#byOwner.get(owner);
    if (own === undefined) return;
    this.#turns.delete(own.turn);
    own.turn = turn;
    this.#turns.set(turn, own);
  }

  /** The next run of one owner. */
  nextOf(owner: Owner): Run | null {
    return this.#byOwner.get(owner)?.runs.minKey() ?? null;
  }
}

/** The runs that can be claimed, by graph: round robin over the owners, O(log n) for each call. */
export class ReadyQueue {
  readonly #graphs = new Map<string, GraphRuns>();
  #turn = 0;

  add(graphId: string, owner: Owner, run: Run): void {
    let graph = this.#graphs.get(graphId);
    if (graph === undefined) this.#graphs.set(graphId, (graph = new GraphRuns()));
    graph.add(owner, run, this.#turn++);
  }

  remove(graphId: string, owner: Owner, run: Run): void {
    const graph = this.#graphs.get(graphId);
    graph?.remove(owner, run);
    if (graph?.isEmpty === true) this.#graphs.delete(graphId);
  }

  /**
   * The next run of some graphs, of one owner the one that was created first. It stays in the queue until it is removed.
   * @param of null for all owners: round robin over them
   */
  next(graphIds: readonly string[], of: Owner | null): { readonly owner: Owner; readonly run: Run } | null {
    const graphs = graphIds.flatMap((graphId) => this.#graphs.get(graphId) ?? []);
    const owner = of ?? nextOwner(graphs);
    if (owner === null) return null;
    const [run] = graphs.flatMap((graph) => graph.nextOf(owner) ?? []).toSorted(compareCreation);
    if (run === undefined) return null;
    if (of === null) {
      const turn = this.#turn++;
      for (const graph of graphs) graph.setTurn(owner, turn);
    }
    return { owner, run };
  }
}

/** The owner with the lowest turn for some graphs; null where there is none. */
function nextOwner(graphs: readonly GraphRuns[]): Owner | null {
  const [first] = graphs.flatMap((graph) => graph.first ?? []).toSorted((a, b) => a.turn - b.turn);
  return first?.owner ?? null;
}
