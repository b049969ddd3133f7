import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MaybePromise } from '../../../dist/lib/maybe-promise.js';
import type { Owner } from '../../../dist/store/owner.js';
import type { Stores } from '../../../dist/store/stores.js';
import { createFilledStores, threadsToHold } from '../data.ts';
import { ORIGIN } from '../requests.ts';
import { type Endpoint, endpointsByHand, type TimesOf } from './by-hand.ts';
import { createFeed } from './feed-by-hand.ts';

/** The longest accepted body, in bytes. */
const MAX_BODY = 1_048_576;

/** What differs between the endpoints by hand. */
export interface ServeByHandOptions {
  /** Returns the owner in an `Authorization` header. Throws or rejects without a valid token. */
  readonly identify: (authorization: string | undefined) => MaybePromise<Owner>;
  readonly timesOf: TimesOf;
  /** The endpoints by their paths. Default: those on the stores in memory. */
  readonly endpoints?: Readonly<Record<string, Endpoint>>;
  /** Begins the trace of a request, and returns the stores whose calls are its spans. Default: nothing is traced. */
  readonly trace?: (request: IncomingMessage, response: ServerResponse, stores: Stores) => Stores;
}

/** Serves the works as REST by hand: `node:http`, `JSON.parse`, the stores, `JSON.stringify`. */
export function serveByHand({ identify, timesOf, endpoints: given, trace }: ServeByHandOptions): void {
  const feed = createFeed(timesOf);
  const allStores = createFilledStores(given === undefined ? threadsToHold() : 0, feed.publish);
  const endpoints = given ?? endpointsByHand(timesOf);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stores = trace?.(request, response, allStores) ?? allStores;
    const cors = corsHeaders(request);
    let owner: MaybePromise<Owner>;
    try {
      owner = identify(request.headers.authorization);
      if (owner instanceof Promise) owner = await owner;
    } catch {
      send(response, 401, cors, { error: 'A valid token is needed.' });
      return;
    }
    if (request.url === '/thread-changes') {
      feed.subscribe(owner, request, response, cors);
      return;
    }
    const endpoint = endpoints[request.url ?? ''];
    if (endpoint === undefined) {
      send(response, 404, cors, { error: 'There is nothing here.' });
      return;
    }
    const body = await readBody(request);
    try {
      const data = endpoint(owner, JSON.parse(body), stores);
      send(response, 200, cors, { data: data instanceof Promise ? await data : data });
    } catch (error) {
      const isBadRequest = error instanceof TypeError || error instanceof SyntaxError;
      send(response, isBadRequest ? 400 : 500, cors, {
        error: isBadRequest ? error.message : 'Something went wrong.',
      });
    }
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    feed.upgrade(await identify(request.headers.authorization), request, socket, head);
  }

  createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  })
    .on('upgrade', (request, socket, head) => {
      upgrade(request, socket, head).catch(() => socket.destroy());
    })
    .listen(Number(process.env.PORT), '127.0.0.1');
}

/** What tells a browser that the page may read the answer. */
function corsHeaders({ headers: { origin } }: IncomingMessage): Record<string, string> {
  return origin === ORIGIN ? { Vary: 'Origin', 'Access-Control-Allow-Origin': origin } : { Vary: 'Origin' };
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
function send(response: ServerResponse, status: number, cors: Record<string, string>, answer: object): void {
  const text = JSON.stringify(answer);
  response
    .writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
      ...cors,
    })
    .end(text);
}
