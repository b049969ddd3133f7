import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What a proxy does with the connections that it has, and with new ones. */
export type Mood =
  /** Passes everything on. */
  | 'pass'
  /** Accepts connections, and throws away whatever comes, in both directions. */
  | 'swallow'
  /** Passes everything on but notifications. */
  | 'drop notifications'
  /** Accepts connections, and closes them at once, in good order. */
  | 'hang up';

/** A TCP proxy in front of a PostgreSQL, for a network that fails. */
export interface Proxy {
  /** A URL of the PostgreSQL behind it, by way of the proxy. */
  through(url: string): string;
  /** For the connections that there are, and for new ones. */
  be(mood: Mood): void;
  /** From now on swallows all of the connections that there are, for ever; new ones are as they would be. */
  forsake(): void;
  /** How many connections it has accepted. */
  readonly accepted: number;
  /** How many of them are not closed yet. */
  readonly open: number;
  /** What clients have sent, as text. */
  readonly sent: string;
  close(): Promise<void>;
}

/** @see https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-NOTIFICATIONRESPONSE */
const NOTIFICATION_RESPONSE = 'A'.charCodeAt(0);
/** The answer to a request for TLS where there is none: a byte alone. */
const NO_TLS = 'N'.charCodeAt(0);

/** Splits what a server sends into messages. */
function messageReader(): (chunk: Buffer) => readonly Buffer[] {
  let rest = Buffer.alloc(0);
  let isFirst = true;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const messages: Buffer[] = [];
    for (;;) {
      const length = isFirst && rest[0] === NO_TLS ? 1 : rest.length < 5 ? Infinity : 1 + rest.readInt32BE(1);
      if (rest.length < length) return messages;
      messages.push(rest.subarray(0, length));
      rest = rest.subarray(length);
      isFirst = false;
    }
  };
}

/** Starts a proxy to the host and port of a URL, for connections without TLS. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port: targetPort } = new URL(target);
  const sockets = new Set<Socket>();
  const forsaken = new WeakSet<Socket>();
  const pairs = new Set<Socket>();
  let mood: Mood = 'pass';
  let accepted = 0;
  let sent = '';

  function keep(socket: Socket): void {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  }

  const server = createServer((client) => {
    accepted++;
    keep(client);
    if (mood === 'hang up') {
      client.end();
      return;
    }
    const upstream = connect(Number(targetPort), hostname);
    keep(upstream);
    pairs.add(client);
    const isSwallowed = () => mood === 'swallow' || forsaken.has(client);
    client.on('data', (chunk: Buffer) => {
      sent += chunk.toString('latin1');
      if (!isSwallowed()) upstream.write(chunk);
    });
    const readMessages = messageReader();
    upstream.on('data', (chunk: Buffer) => {
      for (const message of readMessages(chunk)) {
        const isDropped = mood === 'drop notifications' && message[0] === NOTIFICATION_RESPONSE;
        if (!isSwallowed() && !isDropped) client.write(message);
      }
    });
    client.once('close', () => {
      pairs.delete(client);
      upstream.destroy();
    });
    upstream.once('close', () => {
      if (!isSwallowed()) client.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    through(url) {
      const own = new URL(url);
      own.hostname = '127.0.0.1';
      own.port = String(port);
      return own.href;
    },
    be(next) {
      mood = next;
      if (mood === 'hang up') for (const socket of sockets) socket.end();
    },
    forsake() {
      for (const client of pairs) forsaken.add(client);
    },
    get accepted() {
      return accepted;
    },
    get open() {
      return pairs.size;
    },
    get sent() {
      return sent;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
