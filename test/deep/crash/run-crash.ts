import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER } from '../../process/client.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { eventually } from '../../support/eventually.ts';
import { checkRuns } from '../runs/check.ts';
import { RunLoad } from '../runs/load.ts';
import type { Keeper } from './crash.ts';

/** New runs of each owner in a round. */
const CREATED = 15;
/** Calls of a round that are answered, at most: there are more to come, whatever the workers are held up by. */
const MOST = 40;

const CREATE = 'mutation { createThread { thread { id } } }';

/** Kills a server while workers execute runs, again and again, and looks what has become of the runs. */
export function testRunCrashes(name: string, rounds: number, open: () => Promise<Keeper>): void {
  describe(`a server that is killed while workers execute runs, with ${name}`, () => {
    let project: Project;
    let keeper: Keeper;

    beforeAll(async () => {
      project = await openProject();
      keeper = await open();
    });

    afterAll(async () => {
      await project.remove();
      await keeper.remove();
    });

    it('should lose nothing that it has acknowledged, and end each run once', async () => {
      const load = new RunLoad();
      const start = async () => {
        const server = project.server({ ...SERVER, ...keeper.env });
        await load.resume((await greeting(server)).port);
        return server;
      };
      let server = await start();
      await load.prepare();
      const workers = load.work();
      const creations: Promise<void>[] = [];
      for (const enough of fc.sample(fc.integer({ min: 1, max: MOST }), rounds)) {
        creations.push(load.create(CREATED));
        await Promise.race([load.answered(enough), workers]);
        load.pause();
        // In each other round it still does what it was sent before.
        if (enough % 2 === 0) await load.client('alice').send(CREATE);
        server.send('SIGKILL');
        await server.ending;
        server = await start();
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
}
