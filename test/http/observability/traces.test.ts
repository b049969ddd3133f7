import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTracing, type Tracing } from '../../../src/observability/tracing.ts';
import { turn } from '../listen.ts';
import { request } from '../request.ts';
import { openApi, send, tokenFor } from '../../support/api.ts';
import { HOUR } from '../../support/hour.ts';
import { createAssistant, textAt } from '../../support/requests.ts';
import { subscribe } from '../../support/sse.ts';
import { openCollector, type SentSpan } from './collector.ts';
import { openLogged } from './logged.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let collector: Awaited<ReturnType<typeof openCollector>>;
let tracing: Tracing;

beforeEach(async () => {
  // No limit of OpenTelemetry's own is reached, in milliseconds.
  for (const name of ['OTEL_EXPORTER_OTLP_TIMEOUT', 'OTEL_BSP_EXPORT_TIMEOUT']) vi.stubEnv(name, `${HOUR}`);
  collector = await openCollector();
  tracing = traceTo(collector, HOUR);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await collector.close();
});

function traceTo({ endpoint }: typeof collector, flushTime: number, warnings: string[] = []): Tracing {
  return startTracing(new URL(endpoint), (message) => void warnings.push(message), { flushTime });
}

function openTraced(parts: Parameters<typeof openApi>[0] = {}) {
  return openApi({ startTrace: tracing.start, observers: [tracing.observe], ...parts });
}

function fail(): never {
  throw new TypeError('secret');
}

function failLater(): Promise<never> {
  return Promise.reject(new RangeError('secret'));
}

/** The names of spans, each below the one that it is within. */
function treeOf(spans: readonly SentSpan[], within?: string, depth = 0): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans
    .filter(({ parentSpanId = '' }) =>
      within === undefined ? !ids.has(parentSpanId) : parentSpanId === within,
    )
    .flatMap(({ name, spanId }) => [`${'  '.repeat(depth)}${name}`, ...treeOf(spans, spanId, depth + 1)]);
}

describe('a request that is traced', () => {
  it('should have a span, and spans within it for its steps and each call of a store', async () => {
    const { api } = openTraced();
    await send(
      api,
      'alice',
      'query Both { threads(first: 1) { totalCount nodes { id } } thread(id: "x") { id } }',
      {},
      { 'x-request-id': 'r1' },
    );
    await tracing.close();
    const spans = collector.spans();
    const tree = treeOf(spans);
    expect(tree.slice(0, 4)).toEqual([
      'POST /graphql query',
      '  graphql.parse',
      '  graphql.validate',
      '  graphql.execute',
    ]);
    expect(tree.slice(4).toSorted()).toEqual(['    threads.count', '    threads.get', '    threads.list']);
    const [root] = spans.filter(({ name }) => name === 'POST /graphql query');
    expect(root).toMatchObject({ kind: 2, status: { code: 0 } });
    expect(root?.attributes).toEqual({
      'http.request.method': 'POST',
      'url.path': '/graphql',
      'http.response.status_code': 200,
      'graphql.operation.type': 'query',
      'graphql.operation.name': 'Both',
      'agent_graphql.request_id': 'r1',
      'agent_graphql.outcome': 'ok',
    });
    expect(collector.resources()[0]).toMatchObject({ 'service.name': 'agent-graphql' });
  });

  it('should go on with the trace of its caller, and name it in the log', async () => {
    const { api, line } = openLogged({ startTrace: tracing.start });
    await send(api, 'alice', '{ __typename }', {}, { traceparent: PARENT });
    expect(line()).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c' });
    const traced = openTraced();
    await send(traced.api, 'alice', '{ __typename }', {}, { traceparent: PARENT });
    await tracing.close();
    const spans = collector.spans();
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(
      new Set(['0af7651916cd43dd8448eb211c80319c']),
    );
    expect(spans.find(({ kind }) => kind === 2)).toMatchObject({ parentSpanId: 'b7ad6b7169203331' });
  });

  it.each([
    ['nonsense'],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01'],
    [`${PARENT}-x-${PARENT}`.repeat(99)],
  ])('should begin a trace of its own where the caller’s makes no sense: %.60s', async (traceparent) => {
    const { api } = openTraced();
    await send(api, 'alice', '{ __typename }', {}, { traceparent });
    await tracing.close();
    const [root] = collector.spans().filter(({ kind }) => kind === 2);
    expect(root?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(traceparent).not.toContain(root?.traceId);
    expect(root?.parentSpanId).toBeUndefined();
  });

  it('should be given on to the worker of a run that it creates', async () => {
    const { api } = openTraced();
    const assistantId = await createAssistant(api, 'alice');
    const create =
      'mutation($assistantId: ID!) { createRun(input: { assistantId: $assistantId }) { run { id } } }';
    await send(api, 'alice', create, { assistantId }, { traceparent: PARENT });
    const claim =
      'mutation { claimRuns(input: { worker: "w", graphIds: ["graph"], waitSeconds: 0 }) { claims { traceparent } } }';
    const given = textAt(await send(api, 'alice', claim), 'claimRuns', 'claims', 0, 'traceparent');
    expect(given).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    expect(given).not.toBe(PARENT);
  });

  it('should not send spans where its caller does not want them', async () => {
    const { api } = openTraced();
    await send(api, 'alice', '{ __typename }', {}, { traceparent: PARENT.replace(/01$/, '00') });
    await tracing.close();
    expect(collector.spans()).toEqual([]);
  });

  it('should end its spans, whatever fails', async () => {
    const { stores } = openApi();
    const { api } = openTraced({
      stores: { ...stores, threads: { ...stores.threads, get: fail, list: failLater } },
    });
    await send(api, 'alice', '{ thread(id: "1") { id } threads { nodes { id } } }');
    await send(api, 'alice', '{');
    await send(api, 'alice', '{ nothing }');
    await send(api, null, '{ threads { totalCount } }');
    await request(api, '/nothing');
    // Refused in the middle of a step, which nobody is told to be over.
    await send(api, 'alice', `{ ${' '.repeat(65_536)}`);
    await tracing.close();
    const spans = collector.spans();
    const failed = spans.filter(({ name }) => name.startsWith('threads.'));
    expect(failed.map(({ name, status, attributes }) => [name, status.code, attributes])).toEqual([
      ['threads.get', 2, { 'error.type': 'TypeError' }],
      ['threads.list', 2, { 'error.type': 'RangeError' }],
    ]);
    const roots = spans.filter(({ kind }) => kind === 2);
    expect(
      roots.map(({ name, attributes, status }) => [name, attributes['error.type'], status.code]),
    ).toEqual([
      ['POST /graphql query', 'INTERNAL_SERVER_ERROR', 2],
      ['POST /graphql', 'GRAPHQL_PARSE_FAILED', 2],
      ['POST /graphql query', 'GRAPHQL_VALIDATION_FAILED', 2],
      ['POST /graphql query', 'UNAUTHENTICATED', 2],
      ['GET (other)', undefined, 2],
      ['POST /graphql', 'LIMIT_EXCEEDED', 2],
    ]);
    expect(spans.filter(({ name }) => name === 'graphql.parse')).toHaveLength(5);
  });

  it.each<[string, () => Promise<null>]>([
    ['answers', async () => null],
    ['fails', failLater],
  ])('should end its spans once, also where a store %s after the request was answered', async (_, end) => {
    const warnings: string[] = [];
    tracing = traceTo(collector, HOUR, warnings);
    const { stores } = openApi();
    const steps = new EventEmitter();
    const get = async () => {
      await once(steps, 'go on');
      return end();
    };
    const { api } = openTraced({
      requestTime: 1,
      stores: { ...stores, threads: { ...stores.threads, get } },
    });
    const answer = await send(api, 'alice', '{ thread(id: "1") { id } }');
    expect(answer.status).toBe(408);
    steps.emit('go on');
    await turn();
    await tracing.close();
    expect(
      collector
        .spans()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['POST /graphql query', 'graphql.execute', 'graphql.parse', 'graphql.validate', 'threads.get']);
    expect(warnings).toEqual([]);
  });

  it('should leave probes out', async () => {
    const { api } = openTraced();
    await request(api, '/health');
    await request(api, '/ready');
    await tracing.close();
    expect(collector.spans()).toEqual([]);
  });

  it('should last as long as its stream', async () => {
    const { api, subscribers } = openTraced();
    const stream = await subscribe(
      api,
      'alice',
      'subscription { threadChanged { thread { runs { totalCount } } } }',
    );
    await send(api, 'alice', 'mutation { createThread { thread { id } } }');
    await stream.take(1);
    subscribers.interrupt();
    await stream.untilCut();
    await tracing.close();
    const spans = collector.spans();
    const [root] = spans.filter(({ name }) => name === 'POST /graphql subscription');
    expect(root?.attributes).toMatchObject({
      'http.response.status_code': 200,
      'agent_graphql.outcome': 'aborted',
    });
    // Its events are not a part of it: each is executed once for all who have subscribed to the same.
    expect(treeOf(spans.filter(({ traceId }) => traceId === root?.traceId))).toEqual([
      'POST /graphql subscription',
      '  graphql.parse',
      '  graphql.validate',
      '  graphql.subscribe',
    ]);
  });

  it('should send neither token, owner, variables nor the document', async () => {
    const { api } = openTraced();
    const token = await tokenFor('zoe.zebra');
    await send(api, 'zoe.zebra', 'query Q($id: ID!) { thread(id: $id) { hidden: id } }', { id: 'Zq7Zq7' });
    await send(api, 'zoe.zebra', `{ thread(id: "Zq7Zq7") { nothing } }`);
    await request(api, `/graphql/${token}?Zq7Zq7`, {
      headers: { 'x-request-id': token, baggage: 'a=Zq7Zq7' },
    });
    await tracing.close();
    expect(collector.spans().length).toBeGreaterThan(3);
    expect(collector.text()).not.toMatch(/zoe|Zq7|hidden|eyJ/);
  });

  it('should be served all the same when nobody collects', async () => {
    await collector.close();
    const { api } = openTraced();
    const answer = await send(api, 'alice', '{ __typename }');
    expect(answer.body).toEqual({ data: { __typename: 'Query' } });
    collector = await openCollector();
  });

  it('should not be waited for at shutdown where the collector does not answer', async () => {
    collector.hang();
    tracing = traceTo(collector, 1);
    const { api } = openTraced();
    await send(api, 'alice', '{ __typename }');
    await expect(tracing.close()).resolves.toBeUndefined();
  });
});
