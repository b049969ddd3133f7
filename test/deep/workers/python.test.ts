import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workerTokenOf } from '../../process/client.ts';
import { createAssistant, createRun, readUntil, subscribeToRun } from '../../process/echo-worker.ts';
import { openProject, type Project } from '../../process/project.ts';
import { startWorker } from './library.ts';
import { PYTHON, PYTHON_LIBRARY } from './python-library.ts';
import { cancelRun, countOf, createRunOf, endedRun, startServer, stop } from './runs.ts';
import { testWorkerLibrary } from './scenarios.ts';

const CLIENTS = fileURLToPath(new URL('../../../clients/python', import.meta.url));
const { missing } = PYTHON_LIBRARY;

testWorkerLibrary(PYTHON_LIBRARY);

describe.skipIf(missing !== null)(
  `the worker library for Python${missing ?? ''}: beyond the scenarios`,
  () => {
    let project: Project;

    beforeAll(async () => {
      project = await openProject();
    });

    afterAll(() => project.remove());

    describe('a handler that is a plain function', () => {
      it('should emit and save in order', async () => {
        const { port, client } = await startServer(project);
        const worker = await startWorker(PYTHON_LIBRARY, project, port);
        const { id } = await createRunOf(client, 'plain', { to: 30 });
        const run = await endedRun(client, id);
        expect(run).toMatchObject({ status: 'SUCCESS', attempt: 1, output: { count: 30 } });
        expect(run.events.slice(1, -1).map(({ data }) => data['count'])).toEqual(
          Array.from({ length: 30 }, (_, index) => index + 1),
        );
        await stop(worker);
      });

      it('should be told to stop', async () => {
        const { port, client } = await startServer(project);
        const worker = await startWorker(PYTHON_LIBRARY, project, port);
        const { id } = await createRunOf(client, 'plain', { to: 1, wait: true });
        await readUntil(await subscribeToRun(client, id), ({ data }) => data['waits'] === true);
        await cancelRun(client, id);
        expect(await endedRun(client, id)).toMatchObject({ status: 'CANCELLED', output: { count: 1 } });
        const stdout = await stop(worker);
        expect(countOf(stdout, `stopped ${id} cancelled`)).toBe(1);
        expect(countOf(stdout, `ended ${id} CANCELLED`)).toBe(1);
      });

      it('should ask a person', async () => {
        const { port, client } = await startServer(project);
        const worker = await startWorker(PYTHON_LIBRARY, project, port);
        const { id } = await createRunOf(client, 'plain', { to: 2, ask: 'Shall I?' });
        expect(await endedRun(client, id)).toMatchObject({
          status: 'INTERRUPTED',
          interrupt: { question: 'Shall I?' },
          output: { count: 2 },
        });
        await stop(worker);
      });
    });

    it('should keep more leases than one heartbeat takes', async () => {
      const { port, client } = await startServer(project);
      const worker = await startWorker(PYTHON_LIBRARY, project, port, { leaseSeconds: 5, concurrency: 250 });
      const assistantId = await createAssistant(client, 'wait');
      const runs = await Promise.all(Array.from({ length: 230 }, () => createRun(client, assistantId, {})));
      // Longer than the lease, the wait of a heartbeat, and the time in which the server notices.
      const long = await createRunOf(client, 'words', { text: 'a b c d', pauseMilliseconds: 4_000 });
      expect(await endedRun(client, long.id)).toMatchObject({ status: 'SUCCESS', attempt: 1 });
      await Promise.all(runs.map(({ id }) => cancelRun(client, id)));
      const ends = await Promise.all(runs.map(({ id }) => endedRun(client, id)));
      expect(new Set(ends.map(({ status, attempt }) => `${status} ${attempt}`))).toEqual(
        new Set(['CANCELLED 1']),
      );
      await stop(worker);
    });

    it('should release at once what it executes when it is told to stop twice', async () => {
      const { port, client } = await startServer(project);
      const worker = await startWorker(PYTHON_LIBRARY, project, port, { drainSeconds: 3_600 });
      const { id } = await createRunOf(client, 'wait');
      await readUntil(await subscribeToRun(client, id), ({ data }) => data['waits'] === true);
      worker.send('SIGINT');
      // Until it claims no more, runs are another's.
      worker.send('SIGTERM');
      const { code, stdout } = await worker.ending;
      expect(code).toBe(0);
      expect(countOf(stdout, `released ${id}`)).toBe(1);
    });

    it('should have an example that works', async () => {
      const { port, client } = await startServer(project);
      const env = {
        AGENT_GRAPHQL_URL: `http://127.0.0.1:${port}/graphql`,
        AGENT_GRAPHQL_TOKEN: await workerTokenOf('worker-1'),
        PYTHONPATH: CLIENTS,
      };
      const worker = project.start(PYTHON, ['-B', `${CLIENTS}/examples/echo.py`], env);
      const assistantId = await createAssistant(client, 'echo');
      const asking = await createRun(client, assistantId, { input: { ask: 'Shall I?' } });
      expect(await endedRun(client, asking.id)).toMatchObject({ status: 'INTERRUPTED' });
      const answer = { threadId: asking.threadId, resumes: asking.id, input: { answer: 'Yes.' } };
      const { id } = await createRun(client, assistantId, answer);
      expect(await endedRun(client, id)).toMatchObject({
        status: 'SUCCESS',
        output: { text: 'Shall I? Yes.' },
      });
      expect(await stop(worker)).toContain(`run ${id}, attempt 1: ended: SUCCESS`);
    });
  },
);
