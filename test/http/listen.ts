import { once } from 'node:events';
import { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { serve, type ServeOptions } from '../../src/http/server/listen.ts';
import { openApi } from '../support/api.ts';
import { HOUR } from '../support/hour.ts';

/** Limits of connections that no test reaches. */
export const PATIENT = {
  headers: HOUR,
  body: HOUR,
  stall: HOUR,
  linger: HOUR,
  halfSent: HOUR,
} as const satisfies ServeOptions;

/**
 * An API behind a real port of this machine, for bytes that `fetch` would not send.
 * @param options limits that a test is about; the others are {@link PATIENT}
 */
export async function listen(parts: Parameters<typeof openApi>[0] = {}, options: ServeOptions = {}) {
  const opened = openApi(parts);
  let accepted: Socket | undefined;
  const { port, close } = await serve(
    (request, response) => {
      accepted = request.socket;
      opened.api.handle(request, response);
    },
    '127.0.0.1',
    0,
    { ...PATIENT, onUpgrade: opened.api.upgrade, ...options },
  );
  return {
    ...opened,
    port,
    /** The server's end of the connection that the latest request came by. */
    accepted: () => accepted,
    close: (patience = 0) => close(patience),
    /** Sends bytes, and reads what comes until the server closes the connection. */
    exchange: (bytes: string) => exchange(port, bytes),
  };
}

async function exchange(port: number, bytes: string): Promise<string> {
  const socket = await open(port);
  socket.write(bytes);
  return readAll(socket);
}

/** A connection, with nothing sent. */
export async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('utf8');
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the other side closes the connection; a reset ends it as well. */
export async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.on('error', () => {});
  await once(socket, 'close');
  return text;
}

/** Reads until something has come. */
export function reads(socket: Socket, wanted: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const look = (chunk: unknown): void => {
      text += String(chunk);
      if (!wanted.test(text)) return;
      socket.off('data', look);
      resolve(text);
    };
    socket.on('data', look);
    socket.once('close', () => reject(new Error(`The connection ended after ${JSON.stringify(text)}.`)));
  });
}

/** Lets what is there be done. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Is done once something is so. Rejects when the test ends before. */
export async function until(isSo: () => boolean): Promise<void> {
  let isOver = false;
  onTestFinished(() => {
    isOver = true;
  });
  while (!isSo()) {
    if (isOver) throw new Error('The test ended before what it waits for.');
    await turn();
  }
}

/** Node's server that accepted a connection. */
export function nodeServerOf(accepted: Socket | undefined): Server {
  const server: unknown = accepted && Reflect.get(accepted, 'server');
  if (!(server instanceof Server)) throw new TypeError('No HTTP server accepted this.');
  return server;
}
