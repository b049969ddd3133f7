import { resolveOptions, type WorkerOptions } from './options.ts';
import { runWorker } from './run-worker.ts';

export { CallError } from './call-error.ts';
export type { ClaimedRun, JsonObject, RunHandler } from './claimed-run.ts';
export type { WorkerOptions } from './options.ts';
export type { WorkerReport } from './report.ts';
export { type AbortReason, RunAborted } from './run-aborted.ts';
export { RunFailure, type RunFailureOptions } from './run-failure.ts';
export { RunInterrupted } from './run-interrupted.ts';

/** A worker: it claims runs, and executes them by handlers. */
export interface Worker {
  /**
   * Claims and executes runs, until `drain` is called.
   * @returns a promise that resolves once all runs have ended or returned to the queue
   * @throws {CallError} when the server refuses to give out runs: a bad token, or an address that is not that of the API
   */
  run(): Promise<void>;
  /**
   * Claims no more runs. Those that are being executed have `drainSeconds` to finish; then their signals are aborted, and
   * they return to the queue. Resolves when `run` does. SIGTERM and SIGINT call it, unless `handleSignals` is false.
   */
  drain(): Promise<void>;
}

/**
 * Creates a worker. `run()` starts it:
 *
 *     await createWorker({ url, token, graphs: { support: async (run) => ({ answer: 42 }) } }).run();
 *
 * @throws {TypeError} for an option that is not accepted
 */
export function createWorker(options: WorkerOptions): Worker {
  const resolved = resolveOptions(options);
  let started: Promise<void> | null = null;
  const draining = new AbortController();
  return {
    run() {
      started ??= runWorker(resolved, draining);
      return started;
    },
    async drain() {
      draining.abort();
      await started;
    },
  };
}
