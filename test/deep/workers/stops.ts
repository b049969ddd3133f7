import { describe, expect, it } from 'vitest';
import { readUntil, subscribeToRun } from '../../process/echo-worker.ts';
import type { Project } from '../../process/project.ts';
import { eventually } from '../../support/eventually.ts';
import { bound } from '../../support/slowness.ts';
import { startWorker, type WorkerLibrary } from './library.ts';
import { startProxy } from './proxy.ts';
import { cancelRun, countOf, createRunOf, endedRun, getRun, startServer, stop } from './runs.ts';

type Event = Awaited<ReturnType<typeof readUntil>>[number];
const waits = ({ data }: Event): boolean => data['waits'] === true;

/** How runs are stopped: by a cancellation, by a lost lease, and by the worker's own end. */
export function testStops(library: WorkerLibrary, project: () => Project): void {
  describe('a run that is cancelled', () => {
    it.each([
      ['INTERRUPT', { waited: true }],
      ['ROLLBACK', null],
    ])('should end within half a second: %s', async (action, output) => {
      const { port, client } = await startServer(project());
      const worker = await startWorker(library, project(), port);
      const { id } = await createRunOf(client, 'wait');
      const events = await subscribeToRun(client, id);
      await readUntil(events, waits);
      const asked = performance.now();
      await cancelRun(client, id, action);
      await readUntil(events);
      expect(performance.now() - asked).toBeLessThan(bound(500, 300));
      expect(await getRun(client, id)).toMatchObject({ status: 'CANCELLED', attempt: 1, output });
      const stdout = await stop(worker);
      expect(countOf(stdout, `stopped ${id} cancelled`)).toBe(1);
      expect(countOf(stdout, `ended ${id} CANCELLED`)).toBe(1);
    });
  });

  describe('a run whose lease is lost', () => {
    it('should be stopped, and nothing more is sent of it', async () => {
      const { port, client } = await startServer(project());
      const proxy = await startProxy(port);
      const worker = await startWorker(library, project(), proxy.port);
      const { id, threadId } = await createRunOf(client, 'wait');
      await readUntil(await subscribeToRun(client, id), waits);
      await client.send(`mutation { deleteThread(id: "${threadId}") { success } }`);
      await worker.prints(new RegExp(`stopped ${id} lost`));
      // The worker goes on with others.
      const next = await createRunOf(client, 'words', { text: 'a b' });
      expect(await endedRun(client, next.id)).toMatchObject({ status: 'SUCCESS' });
      const stdout = await stop(worker);
      expect(countOf(stdout, `lost ${id}`)).toBe(1);
      expect(stdout).not.toContain(`ended ${id}`);
      const lease = proxy.calls
        .flatMap(({ payload }) => payload?.claims ?? [])
        .find(({ runId }) => runId === id)?.lease;
      const heard = proxy.calls.findIndex(({ lost }) => lost.includes(lease ?? ''));
      expect(heard).not.toBe(-1);
      expect(proxy.calls.slice(heard + 1).filter(({ leases }) => leases.includes(lease ?? ''))).toEqual([]);
      await proxy.close();
    });
  });

  describe('a handler that blocks its thread for longer than a lease', () => {
    it('should keep its run', async () => {
      const { port, client } = await startServer(project());
      const worker = await startWorker(library, project(), port, { leaseSeconds: 5 });
      // Longer than the lease, the wait of a heartbeat, and the time in which the server notices.
      const { id } = await createRunOf(client, 'block', { milliseconds: 12_000 });
      await worker.prints(new RegExp(`began ${id}`));
      expect(await endedRun(client, id)).toMatchObject({
        status: 'SUCCESS',
        attempt: 1,
        output: { blocked: true },
      });
      await stop(worker);
    });
  });

  describe('a handler that ignores a cancellation', () => {
    it('should be cut off by the server, and its late end is not accepted', async () => {
      const { port, client } = await startServer(project());
      const worker = await startWorker(library, project(), port);
      // Longer than the server waits for a worker to end a cancelled run.
      const { id } = await createRunOf(client, 'block', { milliseconds: 25_000 });
      await worker.prints(new RegExp(`began ${id}`));
      await cancelRun(client, id);
      expect(await endedRun(client, id)).toMatchObject({ status: 'CANCELLED', attempt: 1, output: null });
      await worker.prints(new RegExp(`lost ${id}`));
      expect(await getRun(client, id)).toMatchObject({ status: 'CANCELLED', output: null });
      expect(await stop(worker)).not.toContain(`ended ${id}`);
    });
  });

  describe('a run that ends soon', () => {
    it('should cost no heartbeat', async () => {
      const { port, client } = await startServer(project());
      const proxy = await startProxy(port);
      const worker = await startWorker(library, project(), proxy.port);
      const unnecessary: unknown[] = [];
      for (let round = 0; round < 10; round++) {
        const { id } = await createRunOf(client, 'words', { text: 'a b' });
        const { startedAt, finishedAt } = await endedRun(client, id);
        const lease = proxy.calls
          .flatMap(({ payload }) => payload?.claims ?? [])
          .find(({ runId }) => runId === id)?.lease;
        const about = proxy.calls.filter(({ leases }) => leases.includes(lease ?? ''));
        const end = about.findIndex(({ name }) => name === 'finishRun');
        const heartbeats = about.slice(0, end).filter(({ name }) => name === 'heartbeatRuns');
        const milliseconds = Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '');
        if (milliseconds < 200) unnecessary.push(...heartbeats);
      }
      expect(unnecessary).toEqual([]);
      await stop(worker);
      await proxy.close();
    });
  });

  describe('a worker that is given more runs than it executes at once', () => {
    it('should execute no more than that', async () => {
      const { port, client } = await startServer(project());
      const worker = await startWorker(library, project(), port, { concurrency: 2 });
      const created = await Promise.all(
        Array.from({ length: 7 }, () =>
          createRunOf(client, 'words', { text: 'a b', pauseMilliseconds: 100 }),
        ),
      );
      const times = await Promise.all(
        created.map(async ({ id }) => {
          const { status, startedAt, finishedAt } = await endedRun(client, id);
          expect(status).toBe('SUCCESS');
          return { start: Date.parse(startedAt ?? ''), end: Date.parse(finishedAt ?? '') };
        }),
      );
      const atOnce = times.map(({ start }) =>
        times.filter((other) => other.start <= start && start < other.end),
      );
      expect(Math.max(...atOnce.map(({ length }) => length))).toBe(2);
      await stop(worker);
    });
  });

  describe('a worker that is stopped', () => {
    it('should finish what fits, and release the rest for others', async () => {
      const { port, client } = await startServer(project());
      const first = await startWorker(library, project(), port, { drainSeconds: 4 });
      const long = await createRunOf(client, 'wait');
      const short = await createRunOf(client, 'words', { text: 'a b c d', pauseMilliseconds: 200 });
      await readUntil(await subscribeToRun(client, long.id), waits);
      await readUntil(await subscribeToRun(client, short.id), ({ data }) => data['delta'] === 'a');
      const stdout = await stop(first);
      expect(countOf(stdout, `ended ${short.id} SUCCESS`)).toBe(1);
      expect(countOf(stdout, `stopped ${long.id} drain`)).toBe(1);
      expect(countOf(stdout, `released ${long.id}`)).toBe(1);
      expect(await getRun(client, short.id)).toMatchObject({ status: 'SUCCESS', attempt: 1 });
      // The attempt does not count.
      expect(await getRun(client, long.id)).toMatchObject({ status: 'RUNNING', attempt: 0, worker: null });
      const second = await startWorker(library, project(), port);
      await second.prints(new RegExp(`claimed ${long.id}`));
      await cancelRun(client, long.id);
      expect(await endedRun(client, long.id)).toMatchObject({ status: 'CANCELLED', attempt: 1 });
      await stop(second);
    });

    it('should end soon where it has nothing to do, and forget no run that it is given meanwhile', async () => {
      const { port, client } = await startServer(project());
      for (let round = 0; round < 5; round++) {
        const first = await startWorker(library, project(), port);
        const before = await createRunOf(client, 'words', { text: 'a' });
        await endedRun(client, before.id);
        const asked = performance.now();
        const [{ id }] = await Promise.all([createRunOf(client, 'words', { text: 'a b' }), stop(first)]);
        // A waiting claim takes 10 s.
        expect(performance.now() - asked).toBeLessThan(bound(5_000));
        const second = await startWorker(library, project(), port);
        // A lease that is forgotten takes 30 s.
        const took = await eventually(
          'the run ends',
          async () => (await getRun(client, id)).status === 'SUCCESS',
        );
        expect(took).toBeLessThan(bound(10_000));
        expect(await getRun(client, id)).toMatchObject({ attempt: 1 });
        // It may still be starting, and without a handler for SIGTERM.
        second.send('SIGKILL');
        await second.ending;
      }
    });
  });
}
