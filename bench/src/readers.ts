import { Agent, type IncomingMessage, request } from 'node:http';
import { WebSocket } from 'ws';
import { headersFor } from './requests.ts';
import type { Transport } from './systems.ts';

/** A POST request without its token. */
export interface Call {
  readonly url: string;
  readonly body: string;
}

/** A subscription without its token. */
export interface Subscription {
  readonly transport: Transport;
  readonly url: string;
  /** The document; null for REST by hand, whose path says what is subscribed to. */
  readonly document: string | null;
}

/** An open subscription. */
export interface Reader {
  close(): void;
}

/** Opens a subscription. Is done when its server has opened it. @param onEvent called with the JSON of each event */
export async function openReader(
  subscription: Subscription,
  token: string,
  onEvent: (json: string) => void,
): Promise<Reader> {
  const { transport, url, document } = subscription;
  if (transport === 'websocket') return openSocket(url, token, document, onEvent);
  const { accept, event } = FORMATS[transport];
  const body = document === null ? '' : JSON.stringify({ query: document });
  const response = await post({ url, body }, token, { accept });
  response.setEncoding('utf8').on('data', (text: string) => {
    for (const [, json = ''] of text.matchAll(event)) onEvent(json);
  });
  return { close: () => response.destroy() };
}

/** How events are found in the body of a response. Servers write each with one call, and it arrives in one piece. */
const FORMATS = {
  sse: { accept: 'text/event-stream', event: /^event: next\ndata: (.*)$/gm },
  multipart: { accept: 'multipart/mixed;subscriptionSpec="1.0"', event: /^\{"payload":(.*)\}\r$/gm },
};

/** https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md; by hand each message is an event. */
function openSocket(
  url: string,
  token: string,
  document: string | null,
  onEvent: (json: string) => void,
): Promise<Reader> {
  const protocols = document === null ? [] : ['graphql-transport-ws'];
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, { headers: headersFor(token) });
  return new Promise((resolve, reject) => {
    const opened = (): void => resolve({ close: () => socket.terminate() });
    socket.once('error', reject);
    socket.once('open', () => {
      if (document === null) return opened();
      socket.send(JSON.stringify({ type: 'connection_init' }));
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (document === null) return onEvent(text);
      const [, type, json = ''] = MESSAGE.exec(text) ?? [];
      if (type === 'next') return onEvent(json);
      if (type === 'pong') return opened();
      if (type !== 'connection_ack') return reject(new Error(`${url} answered with ${text.slice(0, 300)}`));
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: document } }));
      // A subscription is not acknowledged. The pong comes after it.
      socket.send(JSON.stringify({ type: 'ping' }));
    });
  });
}

const MESSAGE = /^\{(?:"id":"1",)?"type":"(\w+)"(?:,"payload":(.*))?\}$/;

/** Sends a request. @param agent without one, the request has a connection of its own */
export function post(
  { url, body }: Call,
  token: string,
  headers: Record<string, string>,
  agent?: Agent,
): Promise<IncomingMessage> {
  const sent = request(url, {
    method: 'POST',
    agent: agent ?? false,
    headers: { ...headersFor(token), ...headers },
  });
  sent.end(body);
  return new Promise((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', (response) => {
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`${url} answered with ${response.statusCode}.`));
    });
  });
}
