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
  const headers = [
    'POST /graphql HTTP/1.1',
    'Host: localhost',
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${BODY.length}`,
    'Expect: 100-continue',
  ];
  socket.write(`${headers.join('\r\n')}\r\n\r\n`);
  await reads(socket, /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  socket.write(BODY.slice(0, HALF));
  return {
    finish() {
      socket.write(BODY.slice(HALF));
      return readAll(socket);
    },
  };
}
