import { Logger, run, type Runner, type RunnerOptions } from 'graphile-worker';
import { GRAPH } from '../graph.ts';
import { readJob } from '../job.ts';
import type { RunsWorker } from './worker.ts';

/** The batching that https://worker.graphile.org/docs/performance recommends for throughput. */
const BATCHING: NonNullable<RunnerOptions['preset']> = {
  worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};

/** graphile-worker with LISTEN, and its defaults but for its log. */
export function graphileWorker({ isBatching }: { readonly isBatching: boolean }): RunsWorker {
  let runner: Runner | null = null;
  return {
    async run({ concurrency, execute, onEnd }) {
      runner = await run({
        connectionString: process.env['DATABASE_URL'] ?? '',
        concurrency,
        maxPoolSize: concurrency + 1,
        noHandleSignals: true,
        logger: new Logger(() => () => {}),
        taskList: { [GRAPH]: (payload) => execute(readJob(payload), () => {}) },
        preset: isBatching ? BATCHING : {},
      });
      runner.events.on('job:complete', onEnd);
    },
    async stop() {
      await runner?.stop();
    },
  };
}
