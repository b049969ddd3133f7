import { once } from 'node:events';
import { connect as connectTo, createServer, type Socket } from 'node:net';

/** A statement as it was sent. */
export interface Sent {
  /** Which connection sent it: the first one is 0. */
  readonly connection: number;
  readonly text: string;
  /** What stands for `$1` and so on, as text. */
  readonly params: readonly (string | null)[];
}

/** A way to a PostgreSQL that writes down all statements that go through it. */
export interface Spy {
  /** The database, by this way. */
  readonly url: string;
  /** All that was sent, in its order. */
  readonly sent: readonly Sent[];
  /** Does something once, before the next statement with this text in it goes on to the database. */
  before(text: string, work: () => Promise<void>): void;
  /** Forgets what was sent before. */
  clear(): void;
  /** Cuts all connections. */
  close(): Promise<void>;
}

/** Opens a way to a database. It reads the frontend's part of the protocol, without TLS. */
export async function spyOn(url: string): Promise<Spy> {
  const { hostname, port } = new URL(url);
  const sent: Sent[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let trap: { readonly text: string; work(): Promise<void> } | null = null;
  const server = createServer((client) => {
    const connection = connections++;
    const upstream = connectTo(Number(port), hostname);
    let held: Promise<void> | null = null;
    const read = frontendReader((text, params) => {
      sent.push({ connection, text, params });
      if (trap === null || !text.includes(trap.text)) return;
      const { work } = trap;
      trap = null;
      held = work();
    });
    client.on('data', (chunk: Buffer) => {
      read(chunk);
      if (held === null) return upstream.write(chunk);
      client.pause();
      held
        .then(() => upstream.write(chunk))
        .catch((error: Error) => client.destroy(error))
        .finally(() => client.resume());
      held = null;
    });
    client.on('end', () => upstream.end());
    upstream.pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      // Whoever ends first, ends the other.
      one
        .setNoDelay(true)
        .on('error', () => other.destroy())
        .on('close', () => sockets.delete(one));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.searchParams.set('sslmode', 'disable');
  through.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  return {
    url: through.href,
    sent,
    before(text, work) {
      trap = { text, work };
    },
    clear() {
      sent.length = 0;
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** What was sent, transaction by transaction, each with its BEGIN and its end. */
export function transactionsOf(sent: readonly Sent[]): readonly (readonly Sent[])[] {
  const all: Sent[][] = [];
  const open = new Map<number, Sent[]>();
  for (const statement of sent) {
    if (statement.text.startsWith('BEGIN')) {
      const begun: Sent[] = [];
      open.set(statement.connection, begun);
      all.push(begun);
    }
    open.get(statement.connection)?.push(statement);
  }
  return all;
}

/** Reads what a client sends, and tells of each statement when it is bound or sent as a whole. */
function frontendReader(tell: (text: string, params: readonly (string | null)[]) => void) {
  const prepared = new Map<string, string>();
  let rest = Buffer.alloc(0);
  let started = false;

  function handle(type: string, body: Buffer): void {
    const message = new Message(body);
    if (type === 'Q') tell(message.text(), []);
    if (type === 'P') prepared.set(message.text(), message.text());
    if (type === 'B') {
      message.text();
      const text = prepared.get(message.text()) ?? '';
      message.list(() => message.int16());
      tell(
        text,
        message.list(() => message.value()),
      );
    }
  }

  return (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      // The first message has no type.
      const head = started ? 1 : 0;
      if (rest.length < head + 4) return;
      const end = head + rest.readInt32BE(head);
      if (rest.length < end) return;
      if (started) handle(rest.toString('latin1', 0, 1), rest.subarray(5, end));
      started = true;
      rest = rest.subarray(end);
    }
  };
}

/** Reads the parts of a message, one after the other. */
class Message {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  text(): string {
    const end = this.#body.indexOf(0, this.#at);
    const text = this.#body.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  int16(): number {
    this.#at += 2;
    return this.#body.readInt16BE(this.#at - 2);
  }

  value(): string | null {
    const length = this.#body.readInt32BE(this.#at);
    this.#at += 4;
    if (length < 0) return null;
    this.#at += length;
    return this.#body.toString('utf8', this.#at - length, this.#at);
  }

  list<T>(read: () => T): readonly T[] {
    return Array.from({ length: this.int16() }, read);
  }
}
