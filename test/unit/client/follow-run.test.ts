import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followRun, type RunEventBatch } from '../../../src/client/follow-run.ts';
import { createGraphQLClient } from '../../../src/client/graphql-client.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const NEVER = new AbortController().signal;

/** One connection of a reader. */
interface Connection {
  readonly batches: readonly Partial<RunEventBatch>[];
  /** How it ends: by an error with this code, or by a body that is cut. Default: it is complete. */
  readonly end?: string;
}

const batch = (last: number, done = false): Partial<RunEventBatch> => ({
  events: [{ seq: last, attempt: 1, type: 'E', data: {}, at: '2026-01-01T00:00:00.000Z' }],
  last,
  done,
});

const next = (result: object): string => `event: next\ndata: ${JSON.stringify(result)}\n\n`;

function responseOf({ batches, end }: Connection): Response {
  const chunks = batches.map((runEvents) => next({ data: { runEvents } }));
  if (end === undefined) chunks.push('event: complete\ndata:\n\n');
  else if (end !== 'cut') chunks.push(next({ errors: [{ message: 'No.', extensions: { code: end } }] }));
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk !== undefined) controller.enqueue(encoder.encode(chunk));
      else if (end === 'cut') controller.error(new TypeError('terminated'));
      else controller.close();
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
}

/** A response without any data, until its request is aborted. */
function silentResponse(signal: AbortSignal | null | undefined): Response {
  const body = new ReadableStream({
    start(controller) {
      signal?.addEventListener('abort', () => controller.error(signal.reason));
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

/** Follows a run over these connections. Returns what it read, and the `after` and the token of each request. */
async function follow(
  connections: readonly (Connection | Response | Error | 'silent')[],
  token = () => 'a token',
) {
  const left = [...connections];
  const asked: unknown[] = [];
  const client = createGraphQLClient({
    url: 'http://server/graphql',
    token,
    maxRetries: 3,
    async fetch(_, { body, headers, signal }) {
      const { variables } = JSON.parse(typeof body === 'string' ? body : '');
      asked.push([variables.after, new Headers(headers).get('authorization')]);
      const connection = left.shift() ?? new Error('There are no more.');
      if (connection instanceof Error) throw connection;
      if (connection === 'silent') return silentResponse(signal);
      return connection instanceof Response ? connection : responseOf(connection);
    },
  });
  const seqs: number[] = [];
  const reading = (async () => {
    for await (const { last } of followRun(client, 'run', NEVER)) seqs.push(last);
    return null;
  })().catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  return { seqs, asked, error: await reading };
}

const from = (...afters: readonly number[]) => afters.map((after) => [after, 'Bearer a token']);

describe('a reader of a run', () => {
  it('should go on after the last event, however its connection ends', async () => {
    const { seqs, asked, error } = await follow([
      { batches: [batch(1), batch(2)], end: 'cut' },
      new TypeError('fetch failed'),
      new Response('Bad gateway', { status: 502 }),
      { batches: [batch(3)], end: 'LIMIT_EXCEEDED' },
      { batches: [], end: 'SERVICE_UNAVAILABLE' },
      { batches: [batch(4, true)] },
    ]);
    expect({ seqs, error }).toEqual({ seqs: [1, 2, 3, 4], error: null });
    expect(asked).toEqual(from(0, 2, 2, 2, 3, 3));
  });

  it('should take a response that ends without its last event for a cut one', async () => {
    const cut = new Response(next({ data: { runEvents: batch(1) } }), {
      headers: { 'content-type': 'text/event-stream' },
    });
    const { seqs, asked } = await follow([cut, { batches: [batch(2, true)] }]);
    expect({ seqs, asked }).toEqual({ seqs: [1, 2], asked: from(0, 1) });
  });

  it('should come back with another token when its own has ended', async () => {
    let count = 0;
    const { seqs, asked } = await follow(
      [{ batches: [batch(1)], end: 'UNAUTHENTICATED' }, { batches: [batch(2, true)] }],
      () => `token ${++count}`,
    );
    expect(seqs).toEqual([1, 2]);
    expect(asked).toEqual([
      [0, 'Bearer token 1'],
      [1, 'Bearer token 2'],
    ]);
  });

  it.each(['UNAUTHENTICATED', 'BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED'])(
    'should not try again when it is refused: %s',
    async (code) => {
      const { asked, error } = await follow([{ batches: [], end: code }]);
      expect(asked).toEqual(from(0));
      expect(error).toMatchObject({ name: 'RequestError', code });
    },
  );

  it('should give up after as many failures in a row as it was told', async () => {
    const down = Array.from({ length: 9 }, () => new TypeError('fetch failed'));
    const { asked, error } = await follow(down);
    expect(asked).toHaveLength(4);
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('fetch failed') });
  });

  it('should be done where the run is deleted', async () => {
    const { seqs, error } = await follow([{ batches: [batch(1)] }]);
    expect({ seqs, error }).toEqual({ seqs: [1], error: null });
  });

  it('should connect again when it hears nothing', async () => {
    const { seqs, asked } = await follow(['silent', { batches: [batch(1, true)] }]);
    expect({ seqs, asked }).toEqual({ seqs: [1], asked: from(0, 0) });
  });
});
