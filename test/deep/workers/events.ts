import { describe, expect, it } from 'vitest';
import { readUntil, subscribeToRun } from '../../process/echo-worker.ts';
import type { Project } from '../../process/project.ts';
import { startWorker, type WorkerLibrary } from './library.ts';
import { startProxy } from './proxy.ts';
import { countOf, createRunOf, endedRun, startServer, stop } from './runs.ts';

const WORDS = Array.from({ length: 300 }, (_, index) => `word-${index}`);

/** What handlers are given, and the events that they emit. */
export function testEvents(library: WorkerLibrary, project: () => Project): void {
  describe('a handler', () => {
    it('should be given all that the claim has', async () => {
      const { port, client } = await startServer(project());
      const worker = await startWorker(library, project(), port);
      const [input, metadata] = [{ a: [1, null, 'ä😀'] }, { label: 'x' }];
      const { id, threadId } = await createRunOf(client, 'given', input, { metadata });
      const { output } = await endedRun(client, id);
      expect(output).toEqual({
        id,
        threadId,
        assistantId: expect.stringMatching(/^[0-9a-f]{32}$/),
        assistantVersion: 1,
        graphId: 'given',
        owner: 'alice',
        attempt: 1,
        input,
        values: null,
        checkpoint: null,
        config: {},
        context: {},
        metadata: { ...metadata, owner: 'alice' },
        resumes: null,
      });
      await stop(worker);
    });
  });

  describe('the events of a handler', () => {
    it('should be read while it runs, in order and without a gap', async () => {
      const { port, client } = await startServer(project());
      const worker = await startWorker(library, project(), port);
      const { id } = await createRunOf(client, 'words', { text: WORDS.join(' '), pauseMilliseconds: 5 });
      const events = await subscribeToRun(client, id);
      const first = await readUntil(events, ({ data }) => data['delta'] === WORDS[0]);
      const read = [...first, ...(await readUntil(events))];
      // They came in several batches.
      expect(first.length).toBeLessThan(WORDS.length);
      expect(read.map(({ seq, type, data }) => [seq, type, data['delta']])).toEqual([
        [1, 'RUN_STARTED', undefined],
        ...WORDS.map((word, index) => [index + 2, 'TEXT_MESSAGE_CONTENT', word]),
        [WORDS.length + 2, 'RUN_FINISHED', undefined],
      ]);
      await stop(worker);
    });

    it.each([
      ['many', { count: 5_000, bytes: 10 }],
      // Several times what may wait in the worker.
      ['large', { count: 60, bytes: 60_000 }],
    ])('should all be stored where they are %s', async (_, input) => {
      const { port, client } = await startServer(project());
      const worker = await startWorker(library, project(), port);
      const { id } = await createRunOf(client, 'emit', input);
      const read = await readUntil(await subscribeToRun(client, id));
      expect(read.slice(1, -1).map(({ data }) => data['index'])).toEqual(
        Array.from({ length: input.count }, (__, index) => index),
      );
      expect(await endedRun(client, id)).toMatchObject({ status: 'SUCCESS', output: { count: input.count } });
      await stop(worker);
    });

    it('should each be stored once though answers are lost', async () => {
      const { port, client } = await startServer(project());
      let calls = 0;
      // A claim whose answer is lost would wait for its lease.
      const proxy = await startProxy(port, ({ name }) => name !== 'claimRuns' && calls++ % 2 === 0);
      const worker = await startWorker(library, project(), proxy.port);
      const { id } = await createRunOf(client, 'count', { to: 8 });
      const run = await endedRun(client, id);
      expect(run).toMatchObject({ status: 'SUCCESS', attempt: 1, output: { count: 8 } });
      expect(run.events.slice(1, -1).map(({ data }) => data['count'])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      const stdout = await stop(worker);
      expect(countOf(stdout, `ended ${id} SUCCESS`)).toBe(1);
      await proxy.close();
    });

    it('should be dropped where a run has too many, and the run goes on', async () => {
      const { port, client } = await startServer(project());
      const worker = await startWorker(library, project(), port);
      const { id } = await createRunOf(client, 'emit', { count: 20_500, bytes: 1 });
      const read = await readUntil(await subscribeToRun(client, id));
      const indices = read.slice(1, -1).map(({ data }) => data['index']);
      // A call is stored whole or not at all.
      expect(indices.length).toBeGreaterThan(19_900);
      expect(indices).toEqual(Array.from({ length: indices.length }, (_, index) => index));
      expect(await endedRun(client, id)).toMatchObject({ status: 'SUCCESS', output: { count: 20_500 } });
      expect(countOf(await stop(worker), `dropped ${id}`)).toBe(1);
    });

    it('should be refused at once where they can never be stored', async () => {
      const { port, client } = await startServer(project());
      const worker = await startWorker(library, project(), port);
      const { id } = await createRunOf(client, 'refused');
      const run = await endedRun(client, id);
      expect(run.output).toEqual({
        refused: ['empty type', 'long type', 'list', 'large', 'deep', 'surrogate'],
      });
      expect(run.events.map(({ type }) => type)).toEqual(['RUN_STARTED', 'RUN_FINISHED']);
      await stop(worker);
    });
  });
}
