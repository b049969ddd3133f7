import { afterEach, describe, expect, it } from 'vitest';
import { tokenFor } from '../support/api.ts';
import { subscribe } from '../support/sse.ts';
import { listen, open, readAll, until } from './listen.ts';

/** In milliseconds; short, so that a test can wait for the end of them. */
const TIMES = { headers: 100, body: 200, check: 10 };
const HOST = 'Host: localhost\r\n';
const TOO_SLOW =
  /^HTTP\/1\.1 408 Request Timeout\r\n[^]*\r\n\r\n\{"errors":\[\{[^\n]*"LIMIT_EXCEEDED"[^\n]*\n$/;

let server: Awaited<ReturnType<typeof listen>>;

afterEach(() => server.close());

describe('a connection that is slow', () => {
  it.each([
    ['nothing', '', TIMES.headers],
    ['half a request line', 'GET /hea', TIMES.headers],
    ['half its headers', `GET /health HTTP/1.1\r\n${HOST}X: `, TIMES.headers],
    ['half its body', `POST /graphql HTTP/1.1\r\n${HOST}TOKENContent-Length: 9\r\n\r\nhalf`, TIMES.body],
    [
      'half a chunk',
      `POST /graphql HTTP/1.1\r\n${HOST}TOKENTransfer-Encoding: chunked\r\n\r\n9\r\nhalf`,
      TIMES.body,
    ],
  ])('should be ended when it has sent %s in the time for it', async (_kind, bytes, time) => {
    server = await listen({}, TIMES);
    const auth = `Content-Type: application/json\r\nAuthorization: Bearer ${await tokenFor('alice')}\r\n`;
    const began = performance.now();
    const answer = await server.exchange(bytes.replace('TOKEN', auth));
    expect(answer).toMatch(TOO_SLOW);
    expect(answer.length).toBeLessThan(4_096);
    // Node counts in whole milliseconds.
    expect(performance.now() - began).toBeGreaterThanOrEqual(time - 1);
    const next = await server.exchange(`GET /health HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    expect(next).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(server.logged).toEqual([]);
  });

  it('should not be told of it in the middle of an answer, or after it', async () => {
    server = await listen({}, TIMES);
    const auth = `Content-Type: application/json\r\nAuthorization: Bearer ${await tokenFor('alice')}\r\n`;
    const answer = await server.exchange(
      `POST /graphql HTTP/1.1\r\n${HOST}${auth}Content-Length: 2000000\r\n\r\nhalf`,
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413']);
  });

  it('should keep no other waiting: 200 of them', async () => {
    server = await listen();
    const auth = `Content-Type: application/json\r\nAuthorization: Bearer ${await tokenFor('alice')}\r\n`;
    const halves = [
      '',
      `GET /health HTTP/1.1\r\n${HOST}`,
      `POST /graphql HTTP/1.1\r\n${HOST}${auth}Content-Length: 9\r\n\r\nhalf`,
    ];
    const query = '{"query":"{ threads { totalCount } }"}';
    const normal = `POST /graphql HTTP/1.1\r\n${HOST}${auth}Connection: close\r\nContent-Length: ${query.length}\r\n\r\n${query}`;
    // The first one of a process takes longer: what it needs is still to be compiled.
    await server.exchange(normal);
    const slow = await Promise.all(Array.from({ length: 200 }, () => open(server.port)));
    for (const [i, socket] of slow.entries()) socket.write(halves[i % halves.length] ?? '');
    const began = performance.now();
    const answer = await server.exchange(normal);
    const took = performance.now() - began;
    expect(answer).toContain('{"data":{"threads":{"totalCount":0}}}');
    expect(took).toBeLessThan(250);
    for (const socket of slow) socket.destroy();
  });
});

describe('a connection that takes nothing', () => {
  it('should be ended, with the stream that it has', async () => {
    server = await listen({}, { stall: 280 });
    const token = await tokenFor('alice');
    // The first subscription of a process takes longer: what it needs is still to be compiled.
    await (await subscribe(server.api, 'alice', 'subscription { threadChanged { id } }')).cancel();
    const socket = await open(server.port);
    socket.write(
      `GET /graphql?query=subscription{threadChanged{id}} HTTP/1.1\r\n${HOST}Accept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    // In tests there is a ping each 300 ms, and nothing before that.
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*:\n\n/);
    await until(() => server.changes.count() === 0);
  });
});
