import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { MAX_BODY_BYTES } from '../../src/limits.ts';
import { tokenFor } from '../support/api.ts';
import { listen, open, readAll, reads, turn, until } from './listen.ts';

let server: Awaited<ReturnType<typeof listen>>;

beforeAll(async () => {
  server = await listen();
});

afterAll(() => server.close());

/** A request whose body has exactly so many bytes. */
function bodyOf(bytes: number): string {
  const [start, end] = ['{"query":"{ __typename }","variables":{"x":"', '"}}'];
  return `${start}${'x'.repeat(bytes - start.length - end.length)}${end}`;
}

async function head(framing: string): Promise<string> {
  const token = await tokenFor('alice');
  return `POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
}

const NEXT = 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const TOO_LARGE =
  /^HTTP\/1\.1 413 [^]*The body of a request may have 2097152 bytes[^]*"code":"LIMIT_EXCEEDED"/;
const THEN_OK = /HTTP\/1\.1 200 OK\r\n[^]*ok\n$/;

function inChunks(body: string, size = 65_536): string {
  const chunks = Array.from({ length: Math.ceil(body.length / size) }, (_, i) =>
    body.slice(i * size, (i + 1) * size),
  );
  return [...chunks, ''].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
}

const FRAMINGS = [
  ['a length', (body: string) => [`Content-Length: ${body.length}`, body] as const],
  ['chunks', (body: string) => ['Transfer-Encoding: chunked', inChunks(body)] as const],
  ['one chunk', (body: string) => ['Transfer-Encoding: chunked', inChunks(body, body.length)] as const],
] as const;

describe.each(FRAMINGS)('a body with %s', (_kind, frame) => {
  it('should be answered at the limit', async () => {
    const [framing, body] = frame(bodyOf(MAX_BODY_BYTES));
    const answers = await server.exchange(`${await head(framing)}${body}${NEXT}`);
    expect(answers).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*"__typename":"Query"/);
    expect(answers).toMatch(THEN_OK);
  });

  it('should be refused one byte over it, and leave the connection to the next request', async () => {
    const [framing, body] = frame(bodyOf(MAX_BODY_BYTES + 1));
    const answers = await server.exchange(`${await head(framing)}${body}${NEXT}`);
    expect(answers).toMatch(TOO_LARGE);
    expect(answers).toMatch(THEN_OK);
    expect(answers.length).toBeLessThan(4_096);
    expect(server.logged).toEqual([]);
  });
});

describe('a body that is too large', () => {
  it('should be refused by its length before it is there', async () => {
    const socket = await open(server.port);
    socket.write(await head('Content-Length: 2097153'));
    expect(await reads(socket, /LIMIT_EXCEEDED/)).toMatch(TOO_LARGE);
    socket.destroy();
  });

  it('should be refused as soon as too much is there, and the rest neither kept nor waited for', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const short = await listen({}, { linger: 50 });
    const socket = await open(short.port);
    socket.write(`${await head('Transfer-Encoding: chunked')}40000000\r\n`);
    const refused = reads(socket, /LIMIT_EXCEEDED/);
    const ended = readAll(socket);
    socket.write(Buffer.alloc(MAX_BODY_BYTES + 1, ' '));
    expect(await refused).toMatch(TOO_LARGE);
    await until(() => vi.getTimerCount() > 0);
    vi.advanceTimersByTime(49);
    await turn();
    expect(socket.closed).toBe(false);
    vi.advanceTimersByTime(1);
    await ended;
    const next = await short.exchange(NEXT);
    expect(next).toMatch(THEN_OK);
    expect(short.logged).toEqual([]);
    await short.close();
  });
});
