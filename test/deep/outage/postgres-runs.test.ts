import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readiness, SERVER } from '../../process/client.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { eventually } from '../../support/eventually.ts';
import { type Postgres, startPostgres } from '../../support/postgres/instance.ts';
import { checkRuns } from '../runs/check.ts';
import { RunLoad } from '../runs/load.ts';

let project: Project;
/** One that keeps what it has committed. */
let database: Postgres;

beforeAll(async () => {
  project = await openProject();
  database = await startPostgres({ durable: true });
});

afterAll(async () => {
  await project.remove();
  await database.stop();
});

const ROUNDS = 6;
/** New runs of each owner in a round. */
const CREATED = 10;

describe('a server whose PostgreSQL is killed or restarted while workers execute runs', () => {
  it('should lose nothing that it has acknowledged, and end each run once', async () => {
    const load = new RunLoad();
    const server = project.server({ ...SERVER, DATABASE_URL: database.url });
    const { port } = await greeting(server);
    await load.resume(port);
    await load.prepare();
    const workers = load.work();
    const creations: Promise<void>[] = [];
    for (const [round, enough] of fc.sample(fc.integer({ min: 1, max: 2 * CREATED }), ROUNDS).entries()) {
      creations.push(load.create(CREATED));
      await Promise.race([load.answered(enough), workers]);
      load.pause();
      if (round % 3 < 2) await database.kill();
      await database.restart();
      await eventually('it is ready', async () => (await readiness(port)) === 200);
      await load.resume(port);
    }
    await Promise.race([Promise.all(creations), workers]);
    await Promise.race([workers, eventually('all runs have ended', () => load.isIdle())]);
    load.end();
    await workers;
    await checkRuns(load);
    server.send('SIGTERM');
    expect(await server.ending).toMatchObject({ code: 0, stderr: '' });
  });
});
