import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mintToken } from '../../../src/auth/mint-token.ts';
import { CLOCK_TOLERANCE, MAX_TOKEN_AGE } from '../../../src/auth/token-limits.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { SECRET, SERVER, workerTokenOf } from '../../process/client.ts';
import { readUntil, subscribeToRun } from '../../process/echo-worker.ts';
import { greeting, type Project } from '../../process/project.ts';
import { startWorker, type WorkerLibrary } from './library.ts';
import { cancelRun, countOf, createRunOf, endedRun, startServer, stop } from './runs.ts';
import { keptPort } from '../../support/kept-port.ts';

type Event = Awaited<ReturnType<typeof readUntil>>[number];
const isCount = (count: number) => (event: Event) => event.data['count'] === count;

/** How long after its `exp` a token is refused for certain, in milliseconds. */
const REFUSED_AFTER = (CLOCK_TOLERANCE + 1) * 1_000;

/** A worker's token. @param secondsLeft until it expires. @param secret what signs it */
function tokenWith({ secondsLeft = MAX_TOKEN_AGE, secret = SECRET }): Promise<string> {
  return mintToken({
    secret,
    owner: asOwner('worker-1'),
    issuer: null,
    audience: null,
    ownerClaim: 'sub',
    worker: { scope: 'agent-graphql:worker', graphs: null },
    now: () => Date.now() - (MAX_TOKEN_AGE - secondsLeft) * 1_000,
  });
}

/** Crashes of workers, restarts of servers, and tokens that are refused. */
export function testOutages(library: WorkerLibrary, project: () => Project): void {
  describe('a worker that is killed', () => {
    it('should lose its run to another, which goes on from the checkpoint', async () => {
      const { port, client } = await startServer(project());
      const first = await startWorker(library, project(), port, { leaseSeconds: 5 });
      const { id } = await createRunOf(client, 'count', { to: 60, pauseMilliseconds: 50 });
      await readUntil(await subscribeToRun(client, id), isCount(10));
      first.send('SIGKILL');
      await first.ending;
      const second = await startWorker(library, project(), port, { leaseSeconds: 5 });
      const run = await endedRun(client, id);
      expect(run).toMatchObject({ status: 'SUCCESS', attempt: 2, output: { count: 60 } });
      const [before, after] = [1, 2].map((attempt) =>
        run.events.filter((event) => event.attempt === attempt).flatMap(({ data }) => data['count'] ?? []),
      );
      const last = before?.length ?? 0;
      expect(before).toEqual(Array.from({ length: last }, (_, index) => index + 1));
      // The last step is repeated where its checkpoint was not stored.
      const start = after?.[0] === last ? last : last + 1;
      expect(after).toEqual(Array.from({ length: 61 - start }, (_, index) => start + index));
      await stop(second);
    });
  });

  describe('a server that is restarted', () => {
    it.each(['SIGTERM', 'SIGKILL'] as const)('should find its worker at work: %s', async (signal) => {
      const port = await keptPort();
      const env = { DATA_DIR: join(project().folder, `data-${library.name}-${signal}`), PORT: String(port) };
      const { server, client } = await startServer(project(), env);
      const worker = await startWorker(library, project(), port);
      const { id } = await createRunOf(client, 'count', { to: 80, pauseMilliseconds: 50 });
      await readUntil(await subscribeToRun(client, id), isCount(10));
      server.send(signal);
      await server.ending;
      await worker.prints(/^unavailable$/m);
      const again = project().server({ ...SERVER, ...env });
      await greeting(again);
      const run = await endedRun(client, id);
      // The same attempt, and each step once.
      expect(run).toMatchObject({ status: 'SUCCESS', attempt: 1, output: { count: 80 } });
      expect(run.events.slice(1, -1).map(({ data }) => data['count'])).toEqual(
        Array.from({ length: 80 }, (_, index) => index + 1),
      );
      const next = await createRunOf(client, 'words', { text: 'a b' });
      expect(await endedRun(client, next.id)).toMatchObject({ status: 'SUCCESS' });
      const stdout = await stop(worker);
      expect(countOf(stdout, 'unavailable')).toBe(1);
      expect(countOf(stdout, 'available')).toBe(1);
    });
  });

  describe('a token', () => {
    it('should be asked for anew where it is refused', async () => {
      const { port, client } = await startServer(project());
      const refused = await tokenWith({ secret: 'another secret of 32 bytes or more' });
      const tokens = [refused, await workerTokenOf('worker-1')];
      const worker = await startWorker(library, project(), port, { tokens });
      const { id } = await createRunOf(client, 'words', { text: 'a b' });
      expect(await endedRun(client, id)).toMatchObject({ status: 'SUCCESS', attempt: 1 });
      const stdout = await stop(worker);
      expect(countOf(stdout, 'token 2')).toBe(1);
      expect(countOf(stdout, 'token 3')).toBe(0);
    });

    it('should be renewed while a run goes on', async () => {
      const { port, client } = await startServer(project());
      const end = Date.now() + 3_000 + REFUSED_AFTER;
      const tokens = [await tokenWith({ secondsLeft: 3 }), await workerTokenOf('worker-1')];
      const worker = await startWorker(library, project(), port, { tokens });
      const { id } = await createRunOf(client, 'count', { to: 10_000, pauseMilliseconds: 50 });
      await readUntil(await subscribeToRun(client, id), () => Date.now() > end);
      await cancelRun(client, id);
      expect(await endedRun(client, id)).toMatchObject({ status: 'CANCELLED', attempt: 1 });
      const stdout = await stop(worker);
      expect(countOf(stdout, 'token 2')).toBe(1);
      expect(stdout).not.toContain('unavailable');
    });

    it('should stop the worker where it is fixed and refused', async () => {
      const { port } = await startServer(project());
      const tokens = [await tokenWith({ secret: 'another secret of 32 bytes or more' })];
      const worker = await startWorker(library, project(), port, { tokens });
      const { code, stderr } = await worker.ending;
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('token') });
    });
  });

  describe('a claim that is refused', () => {
    it('should stop the worker with what the server says', async () => {
      const { port } = await startServer(project());
      const worker = await startWorker(library, project(), port, { workerName: 'x'.repeat(257) });
      const { code, stderr } = await worker.ending;
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining('at most 256 characters'),
      });
    });
  });
}
