import type { Server } from 'node:http';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { serve } from '../../src/http/server/listen.ts';
import { tokenFor } from '../support/api.ts';
import { HOUR } from '../support/hour.ts';
import { listen, nodeServerOf, open, readAll, reads, until } from './listen.ts';

/** Times that are soon over, in milliseconds. */
const SOON = { headers: 50, body: 50, check: 10 };
const HOST = 'Host: localhost\r\n';
const HEALTH = `GET /health HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const TOO_SLOW =
  /^HTTP\/1\.1 408 Request Timeout\r\n[^]*\r\n\r\n\{"errors":\[\{[^\n]*"LIMIT_EXCEEDED"[^\n]*\n$/;

let server: Awaited<ReturnType<typeof listen>>;

/** A request with a token, up to the headers that say how long its body is. */
async function headOfPost(): Promise<string> {
  const authorization = `Authorization: Bearer ${await tokenFor('alice')}\r\n`;
  return `POST /graphql HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${authorization}`;
}

describe('a connection that is slow', () => {
  afterEach(() => server.close());

  it.each([
    ['nothing', ''],
    ['half a request line', 'GET /hea'],
    ['half its headers', `GET /health HTTP/1.1\r\n${HOST}X: `],
  ])('should be ended when it has sent %s in the time for headers', async (_kind, bytes) => {
    const { headers, check } = SOON;
    server = await listen({}, { headers, check });
    const answer = await server.exchange(bytes);
    expect(answer).toMatch(TOO_SLOW);
    expect(answer.length).toBeLessThan(4_096);
    expect(server.logged).toEqual([]);
  });

  it.each([
    ['half its body', 'Content-Length: 9\r\n\r\nhalf'],
    ['half a chunk', 'Transfer-Encoding: chunked\r\n\r\n9\r\nhalf'],
  ])('should be ended when it has sent %s in the time for a request', async (_kind, bytes) => {
    server = await listen({}, SOON);
    const answer = await server.exchange(`${await headOfPost()}${bytes}`);
    expect(answer).toMatch(TOO_SLOW);
    expect(answer.length).toBeLessThan(4_096);
    expect(server.logged).toEqual([]);
  });

  it('should not be told of it in the middle of an answer, or after it', async () => {
    server = await listen({}, { check: SOON.check });
    const socket = await open(server.port);
    const received = readAll(socket);
    const refused = reads(socket, /LIMIT_EXCEEDED/);
    socket.write(`${await headOfPost()}Content-Length: 3000000\r\n\r\nhalf`);
    await refused;
    // Its time is over from now on.
    Object.assign(nodeServerOf(server.accepted()), { headersTimeout: 1, requestTimeout: 1 });
    expect((await received).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413']);
  });

  it('should keep no other waiting: 200 of them', async () => {
    server = await listen();
    const halves = [
      '',
      `GET /health HTTP/1.1\r\n${HOST}`,
      `${await headOfPost()}Content-Length: 9\r\n\r\nhalf`,
    ];
    const query = '{"query":"{ threads { totalCount } }"}';
    const slow = await Promise.all(Array.from({ length: 200 }, () => open(server.port)));
    for (const [i, socket] of slow.entries()) socket.write(halves[i % halves.length] ?? '');
    const answer = await server.exchange(
      `${await headOfPost()}Connection: close\r\nContent-Length: ${query.length}\r\n\r\n${query}`,
    );
    expect(answer).toContain('{"data":{"threads":{"totalCount":0}}}');
    expect(slow.filter(({ closed, bytesRead }) => closed || bytesRead > 0)).toEqual([]);
    for (const socket of slow) socket.destroy();
  });
});

describe('a connection that takes nothing', () => {
  it('should be ended, with the stream that it has', async () => {
    const stall = HOUR / 2;
    server = await listen({}, { stall });
    onTestFinished(() => server.close());
    const socket = await open(server.port);
    const received = readAll(socket);
    const begun = reads(socket, /:\n\n/);
    socket.write(
      `GET /graphql?query=subscription{threadChanged{threadId}} HTTP/1.1\r\n${HOST}Accept: text/event-stream\r\nAuthorization: Bearer ${await tokenFor('alice')}\r\n\r\n`,
    );
    await begun;
    const accepted = server.accepted();
    expect(accepted?.timeout).toBe(stall);
    expect(server.subscribers.count()).toBe(1);
    // Long before the next ping, which would begin it anew.
    accepted?.setTimeout(1);
    expect(await received).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*:\n\n/);
    await until(() => server.subscribers.count() === 0);
  });
});

describe('the times of a connection', () => {
  it.each([
    ['10 s, 30 s and 36 s by default', {}, { headers: 10_000, body: 30_000, stall: 36_000 }],
    ['its own', { headers: 1_000, body: 2_000, stall: 3_000 }, { headers: 1_000, body: 2_000, stall: 3_000 }],
  ])('should be %s', async (_kind, options, { headers, body, stall }) => {
    let node: Server | undefined;
    const { port, close } = await serve(
      (request, response) => {
        node = nodeServerOf(request.socket);
        response.end();
      },
      '127.0.0.1',
      0,
      options,
    );
    onTestFinished(() => close(0));
    const socket = await open(port);
    socket.write(HEALTH);
    await readAll(socket);
    expect(node).toMatchObject({ headersTimeout: headers, requestTimeout: body, timeout: stall });
  });
});
