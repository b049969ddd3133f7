import { setTimeout as delay } from 'node:timers/promises';
import { Logger, makeWorkerUtils } from 'graphile-worker';
import postgres from 'postgres';
import { GRAPH } from '../graph.ts';
import { now } from '../job.ts';
import { startWorkerChild } from './start.ts';
import type { RunsSetting, RunsSystem } from './system.ts';

/** graphile-worker. @param isBatching whether it claims and completes jobs in batches, as its docs recommend for throughput */
export async function startGraphile(
  setting: RunsSetting,
  databaseUrl: string,
  isBatching: boolean,
): Promise<RunsSystem> {
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ connectionString: databaseUrl, maxPoolSize: 10, logger });
  await utils.migrate();
  const sql = postgres(databaseUrl, { max: 1, fetch_types: false, onnotice() {} });
  return {
    name: `graphile-worker${isBatching ? ', batching' : ''}`,
    server: null,
    create: async (job) => (await utils.addJob(GRAPH, job)).id,
    startWorker: () =>
      startWorkerChild(setting, isBatching ? 'graphile-batching' : 'graphile', { DATABASE_URL: databaseUrl }),
    async settle() {
      // A job is deleted when it has ended. In batches, its end is reported before the deletion.
      while ((await sql`SELECT FROM graphile_worker.jobs LIMIT 1`).length > 0) await delay(1);
      return now();
    },
    read: null,
    async stop() {
      await utils.release();
      await sql.end();
    },
  };
}
