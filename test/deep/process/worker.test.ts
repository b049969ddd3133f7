import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import {
  type Client,
  clientOf,
  SERVER,
  tokenOf,
  workerClientOf,
  workerTokenOf,
} from '../../process/client.ts';
import {
  createAssistant,
  createRun,
  readUntil,
  startWorker,
  subscribeToRun,
} from '../../process/echo-worker.ts';
import { readAll } from '../../http/listen.ts';
import { sendRequest } from '../../process/raw-request.ts';
import { greeting, openProject, type Project, type Started } from '../../process/project.ts';
import { createDatabase } from '../../support/postgres/database.ts';
import { bound } from '../../support/slowness.ts';
import { keptPort } from '../../support/kept-port.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** A text of more words than are said while a test runs: 0, 1, 2 … */
const ENDLESS = Array.from({ length: 20_000 }, (_, index) => index).join(' ');
const LONG = { input: { text: ENDLESS, wordMilliseconds: 20 } };

async function startServer(env: Readonly<Record<string, string>> = {}) {
  const server = project.server({ ...SERVER, ...env });
  const { port } = await greeting(server);
  const client = await clientOf(port, 'alice');
  return { server, port, client, assistantId: await createAssistant(client) };
}

/** A run of which some words are said, and a checkpoint is saved. */
async function startRun(client: Client, assistantId: string) {
  const { id } = await createRun(client, assistantId, LONG);
  const events = await subscribeToRun(client, id);
  await readUntil(events, isWord(15));
  return { id, events };
}

function isWord(number: number) {
  return ({ data }: { readonly data: Readonly<Record<string, unknown>> }) => data['delta'] === `${number} `;
}

/** The words that a run's checkpoint has. */
function saidOf({ checkpoint }: z.infer<typeof Run>): string {
  return z.object({ text: z.string() }).parse(checkpoint).text;
}

/** How many they are. */
function saidIn(run: z.infer<typeof Run>): number {
  return saidOf(run).split(' ').length;
}

const Run = z.object({
  status: z.string(),
  attempt: z.number(),
  worker: z.string().nullable(),
  output: z.record(z.string(), z.unknown()).nullable(),
  checkpoint: z.record(z.string(), z.unknown()).nullable(),
  interrupt: z.record(z.string(), z.unknown()).nullable(),
  resumes: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  thread: z.object({ status: z.string(), values: z.record(z.string(), z.unknown()).nullable() }),
});
const FIELDS =
  'status attempt worker output checkpoint interrupt resumes error { code message } thread { status values }';

async function getRun(client: Client, id: string) {
  const { body } = await client.send(`{ run(id: "${id}") { ${FIELDS} } }`);
  return z.object({ run: Run }).parse(body.data).run;
}

/** The run once it has ended. */
async function ended(client: Client, id: string): Promise<z.infer<typeof Run>> {
  for (;;) {
    const { body } = await client.send(`{ waitForRun(id: "${id}") { ${FIELDS} } }`);
    const { waitForRun: run } = z.object({ waitForRun: Run }).parse(body.data);
    if (run.status !== 'PENDING' && run.status !== 'RUNNING') return run;
  }
}

async function cancel(client: Client, id: string) {
  const { body } = await client.send(`mutation { cancelRun(input: { id: "${id}" }) { run { status } } }`);
  return body.data;
}

/** What a process has printed when it has ended on SIGTERM. */
async function stop(started: Started): Promise<string> {
  started.send('SIGTERM');
  const { code, signal, stdout, stderr } = await started.ending;
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  return stdout;
}

describe('a worker that disconnects', () => {
  const CLAIM = 'mutation { claimRuns(input: { worker: "w", graphIds: ["echo"] }) { claims { runId } } }';

  /** The runs that another worker is given. */
  async function claimedByAnother(port: number): Promise<unknown> {
    const worker = await workerClientOf(port, 'worker-2');
    const { body } = await worker.send(CLAIM);
    return body.data;
  }

  // The server is suspended, and so finds at once all that was sent to it meanwhile.
  it('should not be given a run that is created after it waited', async () => {
    const { server, port, client, assistantId } = await startServer();
    const claim = await sendRequest(port, await workerTokenOf('worker-1'), CLAIM);
    // The claim has been read once a later request has its response.
    await client.send('{ __typename }');
    server.send('SIGSTOP');
    claim.destroy();
    const mutation = `mutation { createRun(input: { assistantId: "${assistantId}" }) { run { id } } }`;
    const creation = await sendRequest(port, await tokenOf('alice'), mutation);
    server.send('SIGCONT');
    const [, runId] = /"id":"(\w+)"/.exec(await readAll(creation)) ?? [];
    expect(await claimedByAnother(port)).toEqual({ claimRuns: { claims: [{ runId }] } });
  });

  it('should not be given a run that was there before', async () => {
    const { server, port, client, assistantId } = await startServer();
    const { id: runId } = await createRun(client, assistantId, {});
    // A token that is known is not verified again: the claim is executed as soon as it is read.
    await (await workerClientOf(port, 'worker-1')).send('{ __typename }');
    server.send('SIGSTOP');
    const claim = await sendRequest(port, await workerTokenOf('worker-1'), CLAIM);
    claim.destroy();
    server.send('SIGCONT');
    expect(await claimedByAnother(port)).toEqual({ claimRuns: { claims: [{ runId }] } });
  });

  it('should not be given a run that was there before, over WebSocket', async () => {
    const { server, port, client, assistantId } = await startServer();
    const { id: runId } = await createRun(client, assistantId, {});
    const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
    const send = (message: object) =>
      new Promise<void>((resolve) => socket.send(JSON.stringify(message), () => resolve()));
    await once(socket, 'open');
    const acknowledged = once(socket, 'message');
    const authorization = `Bearer ${await workerTokenOf('worker-1')}`;
    await send({ type: 'connection_init', payload: { authorization } });
    await acknowledged;
    server.send('SIGSTOP');
    await send({ type: 'subscribe', id: 'claim', payload: { query: CLAIM } });
    socket.terminate();
    server.send('SIGCONT');
    expect(await claimedByAnother(port)).toEqual({ claimRuns: { claims: [{ runId }] } });
  });
});

describe('the example of a worker', () => {
  it('should stop a run that is cancelled, and leave what it has saved', async () => {
    const { port, client, assistantId } = await startServer();
    const worker = await startWorker(project, port);
    const { id, events } = await startRun(client, assistantId);
    const asked = performance.now();
    expect(await cancel(client, id)).toEqual({ cancelRun: { run: { status: 'RUNNING' } } });
    const rest = await readUntil(events);
    // The waiting heartbeat responds at once, long before the server would end the run itself.
    expect(performance.now() - asked).toBeLessThan(bound(5_000));
    expect(rest.at(-1)).toMatchObject({ type: 'RUN_FINISHED', data: { status: 'CANCELLED' } });
    await worker.prints(new RegExp(`run ${id}, attempt 1: CANCELLED`));
    const run = await getRun(client, id);
    expect(run).toMatchObject({ status: 'CANCELLED', attempt: 1, worker: null });
    expect(run.output).toEqual({ text: expect.stringMatching(/^0 1 2 .*9$/) });
    expect(run.thread).toEqual({ status: 'IDLE', values: run.output });
  });

  it('should ask a person, and go on with the answer', async () => {
    const { port, client, assistantId } = await startServer();
    await startWorker(project, port);
    const asking = await createRun(client, assistantId, { input: { ask: 'Shall I?' } });
    expect(await ended(client, asking.id)).toMatchObject({
      status: 'INTERRUPTED',
      interrupt: { question: 'Shall I?' },
      output: { question: 'Shall I?' },
      thread: { status: 'INTERRUPTED' },
    });
    const answer = { threadId: asking.threadId, resumes: asking.id, input: { answer: 'Yes.' } };
    const { id } = await createRun(client, assistantId, answer);
    expect(await ended(client, id)).toMatchObject({
      status: 'SUCCESS',
      resumes: asking.id,
      output: { text: 'Shall I? Yes.' },
      thread: { status: 'IDLE', values: { text: 'Shall I? Yes.' } },
    });
  });

  it('should give back on SIGTERM what it has not done, for another to go on with', async () => {
    const { port, client, assistantId } = await startServer();
    const first = await startWorker(project, port);
    const { id, events } = await startRun(client, assistantId);
    expect(await stop(first)).toContain(`run ${id}, attempt 1: RELEASED`);
    // The attempt does not count.
    const released = await getRun(client, id);
    expect(released).toMatchObject({ status: 'RUNNING', attempt: 0, worker: null });
    const next = saidIn(released);
    const second = await startWorker(project, port);
    const read = await readUntil(events, isWord(next + 20));
    const start = read.findIndex(({ type }) => type === 'RUN_STARTED');
    expect(read.slice(start, start + 5)).toMatchObject([
      { attempt: 1, data: { runId: id, attempt: 1 } },
      { attempt: 1, type: 'STATE_SNAPSHOT', data: { snapshot: released.checkpoint } },
      { attempt: 1, type: 'TEXT_MESSAGE_START', data: { messageId: id } },
      { attempt: 1, data: { delta: `${saidOf(released)} ` } },
      { attempt: 1, data: { delta: `${next} ` } },
    ]);
    expect(await stop(second)).toContain(`run ${id}, attempt 1: RELEASED`);
  });

  it('should lose a run to another one after its lease when it is killed', async () => {
    const { port, client, assistantId } = await startServer();
    const first = await startWorker(project, port, { LEASE_SECONDS: '5' });
    const { id, events } = await startRun(client, assistantId);
    first.send('SIGKILL');
    await first.ending;
    const killed = performance.now();
    await startWorker(project, port, { LEASE_SECONDS: '5' });
    const read = await readUntil(events, ({ attempt }) => attempt === 2);
    // A heartbeat of 5 s that waited, a lease of 5 s, what is due within 5 s, and a pause of 1 s before the attempt.
    expect(performance.now() - killed).toBeLessThan(bound(17_000));
    expect(read.find(({ attempt }) => attempt === 2)).toMatchObject({
      type: 'RUN_STARTED',
      data: { runId: id, attempt: 2 },
    });
    await cancel(client, id);
    expect(await ended(client, id)).toMatchObject({ status: 'CANCELLED', attempt: 2 });
  });

  it('should tell why an attempt failed, and be given the run again', async () => {
    const { port, client, assistantId } = await startServer();
    await startWorker(project, port);
    const { id } = await createRun(client, assistantId, { input: { text: 1 }, maxAttempts: 2 });
    expect(await ended(client, id)).toMatchObject({
      status: 'ERROR',
      attempt: 2,
      error: { code: 'WORKER_ERROR', message: expect.stringContaining('TypeError') },
      thread: { status: 'ERROR', values: null },
    });
    // The worker continues.
    const next = await createRun(client, assistantId, { input: { text: 'a' } });
    expect(await ended(client, next.id)).toMatchObject({ status: 'SUCCESS' });
  });

  it('should execute at one server what another one was given, and a third one tells of', async () => {
    const database = await createDatabase();
    const env = { DATABASE_URL: database.url };
    const { client, assistantId } = await startServer(env);
    const [second, third] = [await startServer(env), await startServer(env)];
    const worker = await startWorker(project, second.port);
    const { id } = await createRun(client, assistantId, { input: { text: 'one two three' } });
    const read = await readUntil(await subscribeToRun(third.client, id));
    expect(read.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'RUN_STARTED'],
      [2, 'TEXT_MESSAGE_START'],
      ...[3, 4, 5].map((seq) => [seq, 'TEXT_MESSAGE_CONTENT']),
      [6, 'TEXT_MESSAGE_END'],
      [7, 'RUN_FINISHED'],
    ]);
    expect(await ended(third.client, id)).toMatchObject({
      status: 'SUCCESS',
      output: { text: 'one two three' },
    });
    await stop(worker);
    for (const { server } of [second, third]) await stop(server);
    await database.drop();
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'should go on with its runs when the server is back after %s',
    async (signal) => {
      const port = await keptPort();
      const env = { DATA_DIR: join(project.folder, `data-${signal}`), PORT: String(port) };
      const { server, client, assistantId } = await startServer(env);
      const worker = await startWorker(project, port);
      const { id, events } = await startRun(client, assistantId);
      server.send(signal);
      await server.ending;
      await events.untilCut();
      const again = project.server({ ...SERVER, ...env });
      await greeting(again);
      const read = await readUntil(await subscribeToRun(client, id), isWord(100));
      // The same attempt, and each word once.
      expect(read.slice(0, 103)).toEqual([
        expect.objectContaining({ seq: 1, attempt: 1, type: 'RUN_STARTED' }),
        expect.objectContaining({ seq: 2, attempt: 1, type: 'TEXT_MESSAGE_START' }),
        ...Array.from({ length: 101 }, (_, number) => ({
          seq: number + 3,
          attempt: 1,
          type: 'TEXT_MESSAGE_CONTENT',
          data: { messageId: id, delta: `${number} ` },
        })),
      ]);
      await cancel(client, id);
      expect(await ended(client, id)).toMatchObject({ status: 'CANCELLED', attempt: 1 });
      expect(await stop(worker)).toContain(`run ${id}, attempt 1: CANCELLED`);
    },
  );
});
