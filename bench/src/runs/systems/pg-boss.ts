import PgBoss from 'pg-boss';
import { GRAPH } from '../graph.ts';
import { startWorkerChild } from './start.ts';
import type { RunsSetting, RunsSystem } from './system.ts';

/** pg-boss, without its supervision, which archives jobs meanwhile. */
export async function startPgBoss(setting: RunsSetting, databaseUrl: string): Promise<RunsSystem> {
  const boss = new PgBoss({ connectionString: databaseUrl, max: 10, supervise: false, schedule: false });
  await boss.start();
  await boss.createQueue(GRAPH);
  return {
    name: 'pg-boss',
    server: null,
    create: async (job) => (await boss.send(GRAPH, job)) ?? '',
    startWorker: () => startWorkerChild(setting, 'pg-boss', { DATABASE_URL: databaseUrl }),
    settle: (lastEnd) => Promise.resolve(lastEnd),
    read: null,
    stop: () => boss.stop({ graceful: false }),
  };
}
