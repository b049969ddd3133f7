import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { MaybePromise } from '../../../dist/lib/maybe-promise.js';
import type { Change } from '../../../dist/store/change.js';
import type { Owner } from '../../../dist/store/owner.js';
import { createFilledStores, threadsToHold } from '../data.ts';
import { type Endpoint, endpointsByHand, showChange, type TimesOf } from './by-hand.ts';

/** Accepts this much of a body, in bytes. */
const MAX_BODY = 1_048_576;

/** What one may do by hand in more than one way. */
export interface Ways {
  /** Who sent a request, by its `Authorization` header. Throws or rejects where that holds no valid token. */
  readonly identify: (authorization: string | undefined) => MaybePromise<Owner>;
  readonly timesOf: TimesOf;
  /** What answers at which path; from stores in memory unless told. */
  readonly endpoints?: Readonly<Record<string, Endpoint>>;
}

/** Serves the works as REST by hand: `node:http`, `JSON.parse`, the stores, `JSON.stringify`. */
export function serveByHand({ identify, timesOf, endpoints: given }: Ways): void {
  const subscribers = new Map<Owner, Set<ServerResponse>>();
  const endpoints = given ?? endpointsByHand(createFilledStores(threadsToHold(), publish), timesOf);

  function publish(owner: Owner, changes: readonly Change[]): void {
    const readers = subscribers.get(owner);
    if (readers === undefined) return;
    for (const change of changes) {
      if (change.resource !== 'thread') continue;
      const event = `event: next\ndata: ${JSON.stringify({ data: showChange(change, timesOf) })}\n\n`;
      for (const reader of readers) reader.write(event);
    }
  }

  function subscribe(owner: Owner, response: ServerResponse): void {
    let readers = subscribers.get(owner);
    if (readers === undefined) subscribers.set(owner, (readers = new Set()));
    readers.add(response);
    response.once('close', () => readers.delete(response));
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    response.flushHeaders();
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let owner: MaybePromise<Owner>;
    try {
      owner = identify(request.headers.authorization);
      if (owner instanceof Promise) owner = await owner;
    } catch {
      send(response, 401, { error: 'A valid token is needed.' });
      return;
    }
    if (request.url === '/thread-changes') {
      subscribe(owner, response);
      return;
    }
    const endpoint = endpoints[request.url ?? ''];
    if (endpoint === undefined) {
      send(response, 404, { error: 'There is nothing here.' });
      return;
    }
    const body = await readBody(request);
    try {
      const data = endpoint(owner, JSON.parse(body));
      send(response, 200, { data: data instanceof Promise ? await data : data });
    } catch (error) {
      const isTheirs = error instanceof TypeError || error instanceof SyntaxError;
      send(response, isTheirs ? 400 : 500, { error: isTheirs ? error.message : 'Something went wrong.' });
    }
  }

  createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  }).listen(Number(process.env.PORT), '127.0.0.1');
}

/** The whole body as text. Rejects when it is too long, or breaks off. */
function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_BODY) reject(new Error('The body is too long.'));
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString()));
    request.once('error', reject);
  });
}

/** Answers with JSON. */
function send(response: ServerResponse, status: number, answer: object): void {
  const text = JSON.stringify(answer);
  response
    .writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
    })
    .end(text);
}
