import { describe, expect, it } from 'vitest';
import { createWaits } from '../../../src/subscriptions/waits.ts';
import { type FetchedApi, send, workerToken } from '../../support/api.ts';
import { createAssistant, textAt } from '../../support/requests.ts';
import { until } from '../listen.ts';
import { connectAs, openSocket, type SocketClient } from './socket-client.ts';
import { roundTrip, startServer } from './socket-server.ts';

const UNKNOWN = '0123456789abcdef0123456789abcdef';
const CLAIM = `mutation($seconds: Int!) { claimRuns(input: {worker: "w", graphIds: ["graph"], waitSeconds: $seconds}) {
  claims { owner runId input } userErrors { code } } }`;
const EVENTS = 'subscription($id: ID!) { runEvents(runId: $id) { events { seq } last status done } }';
const NO_CLAIMS = { data: { claimRuns: { claims: [], userErrors: [] } } };

/** A run that waits for a worker. */
async function createRun(api: FetchedApi, as: string): Promise<string> {
  const assistantId = await createAssistant(api, as);
  const create = `mutation { createRun(input: {assistantId: "${assistantId}", input: {of: "${as}"}}) { run { id } } }`;
  return textAt(await send(api, as, create), 'createRun', 'run', 'id');
}

/** The payload of the one result of an operation. */
async function resultOf(
  client: SocketClient,
  query: string,
  variables: Record<string, unknown>,
): Promise<unknown> {
  client.subscribe('1', query, variables);
  const { type, payload } = await client.next();
  expect(type).toBe('next');
  expect(await client.next()).toEqual({ id: '1', type: 'complete' });
  return payload;
}

async function connectWorker(port: number, name: string): Promise<SocketClient> {
  const client = await openSocket(port);
  client.send({ type: 'connection_init', payload: { authorization: `Bearer ${await workerToken(name)}` } });
  expect(await client.next()).toMatchObject({ type: 'connection_ack' });
  return client;
}

describe('runs over a WebSocket', () => {
  it('should be claimed by a worker of all owners, and by their own owner alone with any other token', async () => {
    const { api, port } = await startServer();
    const first = await createRun(api, 'alice');
    const bob = await connectAs(port, 'bob');
    expect(await resultOf(bob, CLAIM, { seconds: 0 })).toEqual(NO_CLAIMS);
    const worker = await connectWorker(port, 'worker');
    expect(await resultOf(worker, CLAIM, { seconds: 0 })).toEqual({
      data: {
        claimRuns: { claims: [{ owner: 'alice', runId: first, input: { of: 'alice' } }], userErrors: [] },
      },
    });
    const second = await createRun(api, 'alice');
    const alice = await connectAs(port, 'alice');
    expect(await resultOf(alice, CLAIM, { seconds: 0 })).toMatchObject({
      data: { claimRuns: { claims: [{ owner: 'alice', runId: second }] } },
    });
  });

  it('should be waited for, and not be taken by a connection that is closed', async () => {
    const waits = createWaits();
    const { api, port } = await startServer({ waits });
    const gone = await connectWorker(port, 'worker-1');
    for (const id of ['1', '2']) gone.subscribe(id, CLAIM, { seconds: 10 });
    await until(() => waits.count() === 2);
    // One is given up alone, the other with its connection.
    gone.send({ type: 'complete', id: '1' });
    await roundTrip(gone);
    expect(waits.count()).toBe(1);
    gone.socket.terminate();
    await until(() => waits.count() === 0);
    const worker = await connectWorker(port, 'worker-2');
    worker.subscribe('1', CLAIM, { seconds: 10 });
    await until(() => waits.count() === 1);
    const id = await createRun(api, 'alice');
    expect(await worker.next()).toMatchObject({
      payload: { data: { claimRuns: { claims: [{ owner: 'alice', runId: id }] } } },
    });
  });

  it('should be as unknown ones to all others, with their events', async () => {
    const { api, port } = await startServer();
    const id = await createRun(api, 'alice');
    const alice = await connectAs(port, 'alice');
    alice.subscribe('1', EVENTS, { id });
    expect(await alice.next()).toMatchObject({
      payload: { data: { runEvents: { events: [], last: 0, status: 'PENDING', done: false } } },
    });
    for (const other of [await connectAs(port, 'bob'), await connectWorker(port, 'worker')]) {
      for (const runId of [id, UNKNOWN]) {
        other.subscribe('1', EVENTS, { id: runId });
        expect(await other.next()).toEqual({ id: '1', type: 'complete' });
        const wait = 'query($id: ID!) { waitForRun(id: $id, seconds: 10) { id } }';
        expect(await resultOf(other, wait, { id: runId })).toEqual({ data: { waitForRun: null } });
        const cancel =
          'mutation($id: ID!) { cancelRun(input: {id: $id}) { run { id } userErrors { code } } }';
        expect(await resultOf(other, cancel, { id: runId })).toEqual({
          data: { cancelRun: { run: null, userErrors: [] } },
        });
      }
    }
    await send(api, 'alice', 'mutation($id: ID!) { cancelRun(input: {id: $id}) { run { id } } }', { id });
    expect(await alice.next()).toMatchObject({
      payload: { data: { runEvents: { events: [], last: 0, status: 'CANCELLED', done: true } } },
    });
    expect(await alice.next()).toEqual({ id: '1', type: 'complete' });
  });
});
