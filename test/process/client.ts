import { mintToken } from '../../src/auth/mint-token.ts';
import { asOwner } from '../../src/store/owner.ts';

/** What signs the tokens of these servers. */
export const SECRET = 'a secret for tests, 32 bytes or more';

/** What makes a token a worker's, outside production. */
const WORKER_SCOPE = 'agent-graphql:worker';

/** The variables of a server whose tokens these clients have. */
export const SERVER = { AUTH_SECRET: SECRET, LOG_LEVEL: 'info' };

/** An answer as it came. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: {
    readonly data?: unknown;
    readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
  };
}

/** An owner's client of a server of this machine. */
export interface Client {
  /** @param signal lets the client go away before it is answered */
  send(query: string, variables?: Record<string, unknown>, signal?: AbortSignal): Promise<Answer>;
  /** Subscribes. Once this is done, the server listens. */
  subscribe(query: string): Promise<Events>;
}

/** The events of a subscription. */
export interface Events {
  /** The data of the next event; null at the end. */
  next(): Promise<Answer['body'] | null>;
  /** The data of all events until the server cuts the connection. Rejects where the response ends instead. */
  untilCut(): Promise<readonly Answer['body'][]>;
  cancel(): Promise<void>;
}

/** A token for an owner. */
export function tokenOf(owner: string): Promise<string> {
  return mintToken({
    secret: SECRET,
    owner: asOwner(owner),
    issuer: null,
    audience: null,
    ownerClaim: 'sub',
  });
}

/** A token for a worker of all owners. */
export function workerTokenOf(name: string): Promise<string> {
  const worker = { scope: WORKER_SCOPE, graphs: null };
  const auth = { secret: SECRET, issuer: null, audience: null, ownerClaim: 'sub' };
  return mintToken({ ...auth, owner: asOwner(name), worker });
}

/** A client that has a token for an owner. */
export async function clientOf(port: number, owner: string): Promise<Client> {
  return clientWith(port, await tokenOf(owner));
}

/** A client that has the token of a worker of all owners. */
export async function workerClientOf(port: number, name: string): Promise<Client> {
  return clientWith(port, await workerTokenOf(name));
}

/** A client that has a token. */
export function clientWith(port: number, token: string): Client {
  const authorization = `Bearer ${token}`;
  const url = `http://127.0.0.1:${port}/graphql`;
  return {
    async send(query, variables, signal) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization, connection: 'close' },
        body: JSON.stringify({ query, variables }),
        ...(signal && { signal }),
      });
      const text = await response.text();
      return { status: response.status, text, body: JSON.parse(text) };
    },
    async subscribe(query) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization },
        body: JSON.stringify({ query }),
      });
      return eventsOf(response);
    },
  };
}

async function eventsOf({ body }: Response): Promise<Events> {
  if (body === null) throw new TypeError('The response has no body.');
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let isOver = false;

  async function read(): Promise<void> {
    const { done, value } = await reader.read();
    if (done) isOver = true;
    else text += decoder.decode(value, { stream: true });
  }
  // The first ping.
  await read();

  async function next(): Promise<Answer['body'] | null> {
    for (;;) {
      const [block, ...others] = text.split('\n\n');
      if (others.length > 0) {
        text = others.join('\n\n');
        const data = /^data:(.+)$/m.exec(block ?? '')?.[1]?.trim();
        if (data !== undefined && data !== '') return JSON.parse(data);
      } else if (isOver) {
        return null;
      } else {
        await read();
      }
    }
  }

  return {
    next,
    async untilCut() {
      const events: Answer['body'][] = [];
      try {
        for (let event = await next(); event !== null; event = await next()) events.push(event);
      } catch {
        return events;
      }
      throw new TypeError('The response ended, and was not cut.');
    },
    cancel: () => reader.cancel(),
  };
}

/** The codes of an answer's errors. */
export function codesOf({ errors }: Answer['body']): readonly string[] {
  return (errors ?? []).map(({ extensions }) => extensions.code);
}

/** The status of `/ready`. */
export async function readiness(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/ready`, { headers: { connection: 'close' } });
  await response.text();
  return response.status;
}
