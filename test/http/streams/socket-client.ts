import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { tokenFor } from '../../support/api.ts';

/** A message of `graphql-transport-ws`: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md */
export interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A client that sends and receives messages as they are. */
export interface SocketClient {
  readonly socket: WebSocket;
  send(message: Message | string): void;
  /** Sends an operation. */
  subscribe(id: string, query: string, variables?: Readonly<Record<string, unknown>>): void;
  /** The next message. Rejects where the connection is closed before. */
  next(): Promise<Message>;
  /** Waits until the connection is closed. Returns how, and the messages that were not taken before. */
  closed(): Promise<Closed>;
}

/** The end of a connection. */
export interface Closed {
  /** 1006 where the connection was cut. */
  readonly code: number;
  readonly reason: string;
  readonly rest: readonly Message[];
}

/** How a client connects. */
export interface ConnectOptions {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: `graphql-transport-ws`. */
  readonly protocols?: readonly string[];
  /** Whether pings are answered. Default: true. */
  readonly autoPong?: boolean;
}

/** Opens a connection, which ends with its test. Rejects where the server refuses it. */
export async function openSocket(port: number, options: ConnectOptions = {}): Promise<SocketClient> {
  const socket = createSocket(port, options);
  const messages: Message[] = [];
  const waiting: { resolve(message: Message): void; reject(error: Error): void }[] = [];
  const ended = new Promise<Omit<Closed, 'rest'>>((resolve) => {
    socket.once('close', (code: number, data: Buffer) => {
      const reason = data.toString();
      resolve({ code, reason });
      for (const { reject } of waiting.splice(0)) reject(new Error(`Closed with ${code}: ${reason}`));
    });
  });
  socket.on('message', (data: Buffer) => {
    const message: Message = JSON.parse(data.toString());
    const first = waiting.shift();
    if (first === undefined) messages.push(message);
    else first.resolve(message);
  });
  await once(socket, 'open');

  function send(message: Message | string): void {
    socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  return {
    socket,
    send,
    subscribe: (id, query, variables) => send({ type: 'subscribe', id, payload: { query, variables } }),
    next: () =>
      new Promise((resolve, reject) => {
        const message = messages.shift();
        if (message === undefined) waiting.push({ resolve, reject });
        else resolve(message);
      }),
    closed: async () => ({ ...(await ended), rest: messages }),
  };
}

/** Opens a connection with the token of an owner, or without one, and waits until it is acknowledged. */
export async function connectAs(
  port: number,
  owner: string | null,
  options: ConnectOptions = {},
): Promise<SocketClient> {
  const client = await openSocket(port, options);
  client.send({ type: 'connection_init', payload: owner === null ? {} : await authorizationOf(owner) });
  const { type } = await client.next();
  if (type !== 'connection_ack') throw new TypeError(`The connection was answered with ${type}.`);
  return client;
}

/** The header, or the payload, that has the token of an owner. */
export async function authorizationOf(owner: string): Promise<{ readonly authorization: string }> {
  return { authorization: `Bearer ${await tokenFor(owner)}` };
}

/** The response to an upgrade that the server refuses. */
export async function refusalOf(
  port: number,
  options: ConnectOptions,
): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const [, response]: [unknown, IncomingMessage] = await new Promise((resolve, reject) => {
    createSocket(port, options)
      .once('unexpected-response', (...args) => resolve(args))
      .once('open', () => reject(new TypeError('The connection was opened.')));
  });
  return { status: response.statusCode, body: await text(response) };
}

function createSocket(port: number, options: ConnectOptions): WebSocket {
  const { path = '/graphql', headers = {}, protocols = ['graphql-transport-ws'], autoPong = true } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols], { headers, autoPong });
  // The connection is closed after an error.
  socket.on('error', () => {});
  onTestFinished(() => socket.terminate());
  return socket;
}
