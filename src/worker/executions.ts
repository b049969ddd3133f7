import type { Execution } from './execute-run.ts';

/** The runs that a worker executes. */
export interface Executions {
  readonly size: number;
  add(execution: Execution): void;
  /** Resolves once one of them has ended, or all were forgotten. */
  next(): Promise<void>;
  /** Gives back all of them. */
  release(): void;
  /** Waits for none of them any more. */
  forget(): void;
}

/** Creates an empty set of runs. */
export function createExecutions(): Executions {
  const executions = new Set<Execution>();
  let waiting: (() => void) | null = null;

  function wake(): void {
    waiting?.();
    waiting = null;
  }

  async function removeAtEnd(execution: Execution): Promise<void> {
    await execution.ended;
    executions.delete(execution);
    wake();
  }

  return {
    get size() {
      return executions.size;
    },
    add(execution) {
      executions.add(execution);
      void removeAtEnd(execution);
    },
    next: () =>
      new Promise((resolve) => {
        waiting = resolve;
      }),
    release() {
      for (const execution of executions) execution.release();
    },
    forget() {
      executions.clear();
      wake();
    },
  };
}
