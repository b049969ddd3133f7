import type { Owner } from '../store/owner.ts';
import type { OperationResult } from './operation-result.ts';
import type { PreparedOperation } from './prepared-document.ts';

/** What the result of an event depends on. */
interface Execution {
  readonly owner: Owner;
  readonly event: unknown;
  readonly operation: PreparedOperation;
  /** The variables as JSON. */
  readonly variables: string;
}

/**
 * The latest result of an event. The readers of a run get the same batch one right after the other: it is executed and
 * serialized once for those with the same operation and variables.
 */
export class LatestResult {
  #latest: { readonly execution: Execution; readonly result: OperationResult } | null = null;

  find({ owner, event, operation, variables }: Execution): OperationResult | null {
    if (this.#latest === null) return null;
    const { execution: latest, result } = this.#latest;
    const isSame =
      latest.owner === owner &&
      latest.event === event &&
      latest.operation === operation &&
      latest.variables === variables;
    return isSame ? result : null;
  }

  /** Keeps a result. One with errors has the id of its request, and is not kept. */
  keep(execution: Execution, result: OperationResult): void {
    this.#latest = result.errors.length > 0 ? null : { execution, result };
  }
}
