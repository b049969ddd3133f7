import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../process/client.ts';
import { createAssistant, createRun } from '../../process/echo-worker.ts';
import type { Project, Started } from '../../process/project.ts';
import { startWorker, type WorkerLibrary } from './library.ts';
import { createRunOf, endedRun, startServer, stop } from './runs.ts';

/** An end of a run: the graph, its input, and what is left. */
interface End {
  readonly what: string;
  readonly graph: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly left: Readonly<Record<string, unknown>>;
}

const ENDS: readonly End[] = [
  {
    what: 'output: nothing, after a checkpoint',
    graph: 'output',
    input: { kind: 'nothing' },
    left: { status: 'SUCCESS', attempt: 1, output: { saved: true } },
  },
  ...['list', 'text', 'large', 'deep'].map((kind) => ({
    what: `output: ${kind}`,
    graph: 'output',
    input: { kind },
    left: { status: 'ERROR', attempt: 1, error: { code: 'INVALID_OUTPUT' } },
  })),
  {
    what: 'an ordinary error, in each attempt',
    graph: 'fail',
    input: { message: 'The search did not answer.' },
    left: {
      status: 'ERROR',
      attempt: 2,
      error: { code: 'WORKER_ERROR', message: expect.stringContaining('The search did not answer.') },
    },
  },
  {
    what: 'an ordinary error with a message that is too long and cannot be stored as it is',
    graph: 'fail',
    input: { message: 'ä'.repeat(10_000) },
    left: { status: 'ERROR', attempt: 2, error: { message: expect.stringMatching(/ä{3000}/) } },
  },
  {
    what: 'a failure for good',
    graph: 'failure',
    input: { code: 'NO_SUCH_ORDER', message: 'There is no order 17.', details: { order: 17 }, retry: false },
    left: {
      status: 'ERROR',
      attempt: 1,
      error: { code: 'NO_SUCH_ORDER', message: 'There is no order 17.', details: { order: 17 } },
    },
  },
  {
    what: 'a failure in each attempt',
    graph: 'failure',
    input: { code: 'SEARCH_DOWN', message: 'No answer.', retry: true, retryAfterSeconds: 0 },
    left: {
      status: 'ERROR',
      attempt: 2,
      error: { code: 'SEARCH_DOWN', message: 'No answer.', details: null },
    },
  },
  {
    what: 'a question',
    graph: 'ask',
    input: { question: 'Shall I?' },
    left: {
      status: 'INTERRUPTED',
      interrupt: { question: 'Shall I?' },
      output: { question: 'Shall I?' },
      thread: { status: 'INTERRUPTED' },
    },
  },
  {
    what: 'a question, though the handler goes on',
    graph: 'ask',
    input: { question: 'Shall I?', swallow: true },
    left: { status: 'INTERRUPTED', interrupt: { question: 'Shall I?' }, output: { question: 'Shall I?' } },
  },
];

/** How runs end by what handlers return and throw. */
export function testEnds(library: WorkerLibrary, project: () => Project): void {
  describe('the end of a run', () => {
    let client: Client;
    let worker: Started;

    beforeAll(async () => {
      const server = await startServer(project());
      client = server.client;
      worker = await startWorker(library, project(), server.port);
    });

    afterAll(async () => {
      await stop(worker);
    });

    it.each(ENDS)('should be that of its handler: $what', async ({ graph, input, left }) => {
      const { id } = await createRunOf(client, graph, input, { maxAttempts: 2 });
      expect(await endedRun(client, id)).toMatchObject(left);
      // The worker continues.
      const next = await createRunOf(client, 'words', { text: 'a b' });
      expect(await endedRun(client, next.id)).toMatchObject({ status: 'SUCCESS', output: { text: 'a b' } });
    });

    it('should be a question, which another run answers', async () => {
      const assistantId = await createAssistant(client, 'ask');
      const asking = await createRun(client, assistantId, { input: { question: 'Shall I?' } });
      await endedRun(client, asking.id);
      const answer = { threadId: asking.threadId, resumes: asking.id, input: { answer: 'Yes.' } };
      const { id } = await createRun(client, assistantId, answer);
      const output = { question: 'Shall I?', answer: 'Yes.' };
      expect(await endedRun(client, id)).toMatchObject({
        status: 'SUCCESS',
        output,
        thread: { status: 'IDLE', values: output },
      });
    });
  });
}
