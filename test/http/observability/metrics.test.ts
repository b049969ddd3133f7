import { METHODS as NODE_METHODS } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createChangeFeed } from '../../../src/subscriptions/change-feed.ts';
import { createSubscribers } from '../../../src/subscriptions/subscribers.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { serveMetrics } from '../../../src/http/metrics-endpoint.ts';
import { createMemoryStores, openMemoryStores } from '../../../src/store/memory/stores.ts';
import { request } from '../request.ts';
import { aliceFor, openApi, send, type TestParts } from '../../support/api.ts';
import { createAssistant, createRun, createThread, moveRun, textAt } from '../../support/requests.ts';
import { subscribe } from '../../support/sse.ts';
import { storesThatTake } from './durations.ts';

/** An API whose metrics can be read. */
function openMeasured(parts: TestParts = {}) {
  const changes = createChangeFeed();
  const subscribers = createSubscribers();
  const metrics = createMetrics({ openSubscriptions: subscribers.count, openWaits: () => 0 });
  const stores = createMemoryStores({
    publish: changes.publish,
    publishEvents: changes.publishEvents,
    onStored: metrics.count,
  });
  const { api } = openApi({ stores, changes, subscribers, observers: [metrics.observe], ...parts });
  return { api, subscribers, metrics, series: (name: string) => seriesOf(metrics.text, name) };
}

/** The values of a metric by their labels. */
async function seriesOf(text: () => Promise<string>, name: string): Promise<Record<string, number>> {
  const lines = (await text()).split('\n').filter((line) => line.startsWith(`agent_graphql_${name}`));
  return Object.fromEntries(
    lines.map((line): [string, number] => {
      const [labels = '', value] = line.slice(`agent_graphql_${name}`.length).split(' ');
      return [labels, Number(value)];
    }),
  );
}

/** The gauges of what is held. */
function counts(assistant: number, thread: number, run: number): Record<string, number> {
  return { '{resource="assistant"}': assistant, '{resource="thread"}': thread, '{resource="run"}': run };
}

function fail(): Promise<never> {
  return Promise.reject(new Error('secret'));
}

/** All that Node.js accepts, without those that `fetch` refuses. */
const METHODS = NODE_METHODS.filter((method) => !['CONNECT', 'TRACE', 'TRACK'].includes(method));
const CREATE = 'mutation { createThread { thread { id } } }';

describe('the metrics', () => {
  it('should count requests by type, outcome and code, and not probes', async () => {
    const { api, series } = openMeasured();
    await send(api, 'alice', '{ __typename }');
    await send(api, 'alice', '{ threads { totalCount } }');
    await send(api, 'alice', CREATE);
    await send(api, 'alice', '{');
    await send(api, 'alice', '{ nothing }');
    await send(api, null, CREATE);
    await request(api, '/nothing');
    await request(api, '/health');
    await request(api, '/ready');
    expect(await series('requests_total')).toEqual({
      '{type="query",outcome="ok",code="none"}': 2,
      '{type="mutation",outcome="ok",code="none"}': 1,
      '{type="none",outcome="error",code="GRAPHQL_PARSE_FAILED"}': 1,
      '{type="query",outcome="error",code="GRAPHQL_VALIDATION_FAILED"}': 1,
      '{type="mutation",outcome="error",code="UNAUTHENTICATED"}': 1,
      '{type="none",outcome="error",code="none"}': 1,
    });
  });

  it('should have the durations of requests in seconds', async () => {
    const { observe, text } = createMetrics({ openSubscriptions: () => 0, openWaits: () => 0 });
    const { api } = openApi({ stores: storesThatTake(2_000), observers: [observe] });
    for (let i = 0; i < 3; i++) await send(api, 'alice', '{ thread(id: "1") { id } }');
    expect(await seriesOf(text, 'request_duration_seconds')).toMatchObject({
      '_count{type="query",outcome="ok"}': 3,
      '_sum{type="query",outcome="ok"}': 6,
      '_bucket{le="1",type="query",outcome="ok"}': 0,
      '_bucket{le="2.5",type="query",outcome="ok"}': 3,
    });
  });

  it('should know how many subscriptions are open', async () => {
    const { api, subscribers, series } = openMeasured();
    const open = await Promise.all(
      ['alice', 'alice', 'bob'].map((name) =>
        subscribe(api, name, 'subscription { threadChanged { threadId } }'),
      ),
    );
    expect(await series('open_subscriptions')).toEqual({ '': 3 });
    await open[0]?.cancel();
    expect(await series('open_subscriptions')).toEqual({ '': 2 });
    subscribers.close();
    await Promise.all(open.slice(1).map((stream) => stream.untilCut()));
    expect(await series('open_subscriptions')).toEqual({ '': 0 });
    expect(await series('requests_total')).toEqual({
      '{type="subscription",outcome="aborted",code="none"}': 3,
    });
  });

  it('should count a subscription by the error that ended it', async () => {
    const { api, series } = openMeasured({ authenticate: aliceFor(1) });
    const stream = await subscribe(api, 'alice', 'subscription { threadChanged { threadId } }');
    await stream.rest();
    expect(await series('requests_total')).toEqual({
      '{type="subscription",outcome="error",code="UNAUTHENTICATED"}': 1,
    });
  });

  it('should know how many resources are held', async () => {
    const { api, series } = openMeasured();
    const held = () => series('resources');
    expect(await held()).toEqual(counts(0, 0, 0));
    const assistant = await createAssistant(api, 'alice');
    const [thread, other] = [await createThread(api, 'alice'), await createThread(api, 'bob')];
    const run = await createRun(api, 'alice', thread, assistant);
    await createRun(api, 'alice', thread, assistant);
    expect(await held()).toEqual(counts(1, 2, 2));
    await moveRun(api, 'alice', run, 'SUCCESS');
    await send(api, 'alice', 'mutation($id: ID!) { deleteThread(id: $id) { success } }', { id: other });
    expect(await held()).toEqual(counts(1, 2, 2));
    // Its runs go with it.
    await send(api, 'alice', 'mutation($id: ID!) { deleteThread(id: $id) { success } }', { id: thread });
    expect(await held()).toEqual(counts(1, 1, 0));
  });

  it('should have nothing in their labels that a client chose: 300 names make no new series', async () => {
    const { api: measured, metrics } = openMeasured();
    const api = measured;
    const labels = async () => (await metrics.text()).match(/^agent_graphql_[^ ]+/gm)?.toSorted();
    const ask = async (name: string, method: string) => {
      const headers = { 'x-request-id': name, 'user-agent': name };
      await send(api, 'alice', `query ${name} { __typename }`, {}, headers);
      await send(api, `owner-${name}`, `{ ${name} }`, {}, headers);
      await request(api, `/${name}`, { method, headers });
    };
    await ask('first', 'PROPFIND');
    await ask('second', 'OPTIONS');
    const before = await labels();
    for (let i = 0; i < 300; i++) await ask(`Name${i}`, METHODS[i % METHODS.length] ?? 'GET');
    expect(await labels()).toEqual(before);
    expect(await metrics.text()).not.toMatch(/Name\d|PROPFIND|UNLOCK/);
  });

  it('should tell of the execution of runs', async () => {
    const clock = { now: Date.UTC(2026, 0, 1) };
    const metrics = createMetrics({ openSubscriptions: () => 0, openWaits: () => 3 });
    const { count: onStored, countLostLease: onLeaseLost } = metrics;
    const opened = openMemoryStores({ now: () => clock.now, onStored, onLeaseLost });
    const { api } = openApi({ stores: opened.forRequest() });
    const [assistant, thread] = [await createAssistant(api, 'alice'), await createThread(api, 'alice')];
    await createRun(api, 'alice', thread, assistant);
    await createRun(api, 'alice', thread, assistant);
    const series = (name: string) => seriesOf(metrics.text, name);
    expect(await series('active_runs')).toEqual({ '{status="PENDING"}': 2, '{status="RUNNING"}': 0 });
    clock.now += 2_000;
    const claim =
      'mutation { claimRuns(input: { worker: "w", graphIds: ["graph"], leaseSeconds: 5 }) { claims { lease } } }';
    await send(api, 'alice', claim);
    expect(await series('active_runs')).toEqual({ '{status="PENDING"}': 1, '{status="RUNNING"}': 1 });
    clock.now += 5_000;
    await opened.sweep();
    clock.now += 1_000;
    await opened.sweep();
    const lease = textAt(await send(api, 'alice', claim), 'claimRuns', 'claims', 0, 'lease');
    const finish =
      'mutation($lease: String!) { finishRun(input: { lease: $lease, status: SUCCESS }) { accepted } }';
    await send(api, 'alice', finish, { lease });
    expect(await series('claims_total')).toEqual({ '': 2 });
    expect(await series('leases_lost_total')).toEqual({ '': 1 });
    expect(await series('runs_ended_total')).toEqual({ '{status="SUCCESS"}': 1 });
    expect(await series('run_wait_seconds_sum')).toEqual({ '': 2 });
    expect(await series('open_waits')).toEqual({ '': 3 });
    expect(await series('active_runs')).toEqual({ '{status="PENDING"}': 1, '{status="RUNNING"}': 0 });
    await opened.close();
  });

  it('should belong to one server alone', async () => {
    const [one, two] = [openMeasured(), openMeasured()];
    await send(one.api, 'alice', '{ __typename }');
    expect(await two.series('requests_total')).toEqual({});
  });

  it('should tell of the event loop and the process', async () => {
    const text = await createMetrics({ openSubscriptions: () => 0, openWaits: () => 0 }).text();
    for (const name of ['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes']) {
      expect(text).toMatch(new RegExp(`^${name} [\\d.e+-]+$`, 'm'));
    }
  });
});

describe('the port of the metrics', () => {
  it('should answer GET /metrics, and nothing else', async () => {
    const server = await serveMetrics(
      createMetrics({ openSubscriptions: () => 7, openWaits: () => 0 }),
      '127.0.0.1',
      0,
    );
    const ask = (path: string, method = 'GET') =>
      fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { connection: 'close' } });
    const metrics = await ask('/metrics');
    expect([metrics.status, metrics.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    expect(await metrics.text()).toContain('\nagent_graphql_open_subscriptions 7\n');
    for (const path of ['/', '/metrics/', '/graphql', '/health']) expect((await ask(path)).status).toBe(404);
    expect((await ask('/metrics', 'POST')).status).toBe(405);
    await server.close(0);
    await expect(ask('/metrics')).rejects.toThrow('fetch failed');
  });

  it('should say no more than that when the metrics cannot be read', async () => {
    const metrics = { ...createMetrics({ openSubscriptions: () => 0, openWaits: () => 0 }), text: fail };
    const server = await serveMetrics(metrics, '127.0.0.1', 0);
    const answer = await fetch(`http://127.0.0.1:${server.port}/metrics`, {
      headers: { connection: 'close' },
    });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
    await server.close(0);
  });
});
