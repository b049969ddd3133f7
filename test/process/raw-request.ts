import type { Socket } from 'node:net';
import { open, readAll, reads } from '../http/listen.ts';

const BODY = JSON.stringify({ query: 'mutation { createThread { thread { status } } }' });
const HALF = 20;

/** A mutation that a server has begun to read. */
export interface HeldMutation {
  /** Sends the rest of it, and reads until the server closes the connection. */
  finish(): Promise<string>;
}

/** Sends a mutation up to the middle of its body, of which the server has then read the headers. */
export async function holdMutation(port: number, token: string): Promise<HeldMutation> {
  const socket = await open(port);
  socket.write(headOf(token, BODY, 'Expect: 100-continue'));
  await reads(socket, /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  socket.write(BODY.slice(0, HALF));
  return {
    finish() {
      socket.write(BODY.slice(HALF));
      return readAll(socket);
    },
  };
}

/** Sends a whole request on a connection of its own. Once this is done, the operating system has all of it. */
export async function sendRequest(port: number, token: string, query: string): Promise<Socket> {
  const socket = await open(port);
  const body = JSON.stringify({ query });
  await new Promise<void>((resolve, reject) => {
    socket.write(headOf(token, body, 'Connection: close') + body, (error) => {
      if (error == null) resolve();
      else reject(error);
    });
  });
  return socket;
}

/** The head of a POST. @param body in ASCII @param header one more, with its name */
function headOf(token: string, body: string, header: string): string {
  const headers = [
    'POST /graphql HTTP/1.1',
    'Host: localhost',
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    header,
  ];
  return `${headers.join('\r\n')}\r\n\r\n`;
}
