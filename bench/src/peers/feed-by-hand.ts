import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Change } from '../../../dist/store/change.js';
import type { Owner } from '../../../dist/store/owner.js';
import { showChange, type TimesOf } from './by-hand.ts';

/** The changes of threads for subscribers, by each transport. */
export interface Feed {
  publish(owner: Owner, changes: readonly Change[]): void;
  /** Answers with a stream: multipart where the request accepts it, else Server-Sent Events. */
  subscribe(
    owner: Owner,
    request: IncomingMessage,
    response: ServerResponse,
    cors: Record<string, string>,
  ): void;
  /** Opens a WebSocket that gets all changes. */
  upgrade(owner: Owner, request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** A transport with its subscribers. */
interface Channel<Reader> {
  readonly readers: Map<Owner, Set<Reader>>;
  /** What is sent for an event. */
  readonly frame: (json: string) => string;
  readonly send: (reader: Reader, frame: string) => void;
}

/** The feed as somebody writes it by hand: each event is written as JSON once, and sent to each subscriber. */
export function createFeed(timesOf: TimesOf): Feed {
  const sse = createChannel<ServerResponse>(
    (json) => `event: next\ndata: ${json}\n\n`,
    (reader, frame) => reader.write(frame),
  );
  const multipart = createChannel<ServerResponse>(
    (json) => `Content-Type: application/json\r\n\r\n{"payload":${json}}\r\n--graphql\r\n`,
    (reader, frame) => reader.write(frame),
  );
  const webSocket = createChannel<WebSocket>(
    (json) => json,
    (reader, frame) => reader.send(frame),
  );
  const webSockets = new WebSocketServer({ noServer: true });

  function publish(owner: Owner, changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.resource !== 'thread') continue;
      const isWanted = [sse, multipart, webSocket].some(({ readers }) => readers.has(owner));
      if (!isWanted) continue;
      const json = JSON.stringify({ data: showChange(change, timesOf) });
      sendToAll(sse, owner, json);
      sendToAll(multipart, owner, json);
      sendToAll(webSocket, owner, json);
    }
  }

  return {
    publish,
    subscribe(owner, request, response, cors) {
      const isMultipart = request.headers.accept?.startsWith('multipart/mixed') === true;
      response.once('close', add(isMultipart ? multipart : sse, owner, response));
      const type = isMultipart
        ? 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
        : 'text/event-stream';
      response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache', ...cors });
      if (isMultipart) response.write('--graphql\r\n');
      else response.flushHeaders();
    },
    upgrade(owner, request, socket, head) {
      webSockets.handleUpgrade(request, socket, head, (reader) => {
        reader.once('close', add(webSocket, owner, reader));
      });
    },
  };
}

function createChannel<Reader>(
  frame: Channel<Reader>['frame'],
  send: Channel<Reader>['send'],
): Channel<Reader> {
  return { readers: new Map(), frame, send };
}

/** Adds a subscriber. Returns the function that removes it. */
function add<Reader>({ readers }: Channel<Reader>, owner: Owner, reader: Reader): () => void {
  const own = readers.get(owner) ?? new Set();
  readers.set(owner, own.add(reader));
  return () => {
    own.delete(reader);
    if (own.size === 0) readers.delete(owner);
  };
}

function sendToAll<Reader>({ readers, frame, send }: Channel<Reader>, owner: Owner, json: string): void {
  const own = readers.get(owner);
  if (own === undefined) return;
  const framed = frame(json);
  for (const reader of own) send(reader, framed);
}
