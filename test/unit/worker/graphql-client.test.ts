import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { trackAvailability } from '../../../src/worker/availability.ts';
import { FieldFailure } from '../../../src/worker/field-failure.ts';
import { graphqlClient } from '../../../src/worker/graphql-client.ts';
import type { TokenSource } from '../../../src/worker/token-source.ts';

const TOKEN: TokenSource = { get: () => Promise.resolve('token'), refused: () => false };

/** A client of a server. */
async function clientOf(answer: RequestListener, token: TokenSource = TOKEN) {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : null;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const giveUp = new AbortController();
  const reports: (string | null)[] = [];
  const client = graphqlClient({
    url: `http://127.0.0.1:${port}/graphql`,
    token,
    availability: trackAvailability((message) => reports.push(message)),
    giveUp: giveUp.signal,
  });
  return { client, giveUp, reports };
}

/** An answer that a call about several fields has when one of them fails. */
function failing(status: number, code: string): RequestListener {
  const errors = [{ message: 'It failed.', path: ['c1'], extensions: { code } }];
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ data: null, errors }));
  };
}

describe('the client of a worker', () => {
  it('should end a call whose token is never had, and one that is never answered, at the end of a drain', async () => {
    const never: TokenSource = { get: () => new Promise(() => {}), refused: () => true };
    const server = new EventEmitter();
    const asked = once(server, 'asked');
    const tokenless = await clientOf(() => {}, never);
    const unanswered = await clientOf(() => server.emit('asked'));
    const calls = [tokenless.client.send('{ x }', '{}'), unanswered.client.send('{ x }', '{}')];
    const results = Promise.allSettled(calls);
    await asked;
    for (const { giveUp } of [tokenless, unanswered]) giveUp.abort(new Error('The drain is over.'));
    expect(await results).toMatchObject(
      calls.map(() => ({ status: 'rejected', reason: { message: 'The drain is over.' } })),
    );
  });

  it('should tell a failure of one field, where that is asked for', async () => {
    const { client, reports } = await clientOf(failing(429, 'LIMIT_EXCEEDED'));
    await expect(client.send('{ x }', '{}', { once: true })).rejects.toThrow(FieldFailure);
    // Too many events of a run are no reason to say that the server is down.
    expect(reports).toEqual([]);
    const broken = await clientOf(failing(200, 'INTERNAL_SERVER_ERROR'));
    await expect(broken.client.send('{ x }', '{}', { once: true })).rejects.toThrow(FieldFailure);
    expect(broken.reports).toEqual(['It failed.']);
  });

  it('should wait for a server whose stores are away, of which fields tell too', async () => {
    let requests = 0;
    const { client, reports } = await clientOf((request, response) => {
      if (++requests === 1) return failing(503, 'SERVICE_UNAVAILABLE')(request, response);
      response.end('{"data":{"x":1}}');
    });
    expect(await client.send('{ x }', '{}', { once: true })).toEqual({ x: 1 });
    expect(reports).toEqual(['It failed.', null]);
  });

  it('should not warn of a leak while many calls wait for a server', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const { client, giveUp } = await clientOf((_, response) => void response.writeHead(503).end());
    const calls = Promise.allSettled(Array.from({ length: 30 }, () => client.send('{ x }', '{}')));
    await new Promise(setImmediate);
    giveUp.abort(new Error('The drain is over.'));
    await calls;
    expect(warnings).toEqual([]);
  });
});
