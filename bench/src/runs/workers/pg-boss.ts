import { setTimeout as delay } from 'node:timers/promises';
import PgBoss from 'pg-boss';
import { GRAPH } from '../graph.ts';
import { readJob } from '../job.ts';
import type { RunsWorker } from './worker.ts';

/** Milliseconds until an empty queue is looked at again. */
const PAUSE = 50;

/** pg-boss by `fetch` and `complete`, in batches: `work` looks at the queue twice a second at most. */
export function pgBossWorker(): RunsWorker {
  let boss: PgBoss | null = null;
  let stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  return {
    async run({ concurrency, execute, onEnd }) {
      const started = new PgBoss({
        connectionString: process.env['DATABASE_URL'] ?? '',
        supervise: false,
        schedule: false,
        migrate: false,
      });
      boss = started;
      stopping = new AbortController();
      const { signal } = stopping;
      await started.start();
      running = executeAll();

      async function executeAll(): Promise<void> {
        while (!signal.aborted) {
          const jobs = await started.fetch(GRAPH, { batchSize: concurrency });
          await Promise.all(jobs.map(({ data }) => execute(readJob(data), () => {})));
          const ids = jobs.map(({ id }) => id);
          if (ids.length > 0) await started.complete(GRAPH, ids);
          else await delay(PAUSE);
          ids.forEach(onEnd);
        }
      }
    },
    async stop() {
      stopping.abort();
      await running;
      await boss?.stop({ graceful: false });
    },
  };
}
