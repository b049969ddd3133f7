import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { serve, type ServeOptions } from '../../src/http/server/listen.ts';
import { openApi } from '../support/api.ts';

/** An API behind a real port of this machine, for bytes that `fetch` would not send. */
export async function listen(parts: Parameters<typeof openApi>[0] = {}, options: ServeOptions = {}) {
  const opened = openApi(parts);
  const { port, close } = await serve(opened.api.handle, '127.0.0.1', 0, options);
  return {
    ...opened,
    port,
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

/** Is done once something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}
