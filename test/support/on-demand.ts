import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

/** Makes something, and answers how to get to it. */
export type Make = () => Promise<string>;

/** Makes things for the workers of a run, which ask for them by HTTP. */
export interface OnDemand {
  /** What {@link ask} takes. */
  readonly askAt: string;
  /** Takes no more requests. Is done once nothing is being made. */
  close(): Promise<void>;
}

/** Serves what the makers answer, each under its name. A maker that fails is a 500 with the error's message. */
export async function serveOnDemand(makers: Readonly<Record<string, Make>>): Promise<OnDemand> {
  // Others on this machine do not know it.
  const path = `/${randomBytes(16).toString('hex')}`;
  const byPath = new Map(Object.entries(makers).map(([name, make]) => [`${path}/${name}`, make]));
  const pending = new Set<Promise<void>>();
  const answer: RequestListener = (request, response) => {
    const make = byPath.get(request.url ?? '');
    if (make === undefined) {
      response.writeHead(404).end(`There is no ${request.url}.`);
      return;
    }
    const answered = make()
      .then(
        (value) => void response.end(value),
        (error: unknown) =>
          void response.writeHead(500).end(error instanceof Error ? error.message : 'failed'),
      )
      .finally(() => pending.delete(answered));
    pending.add(answered);
  };
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    askAt: `http://127.0.0.1:${port}${path}`,
    async close() {
      server.close();
      await Promise.all(pending);
    },
  };
}

/** Asks for something by its name. @throws Error with the message of the one that made it fail */
export async function ask(askAt: string, name: string): Promise<string> {
  const response = await fetch(`${askAt}/${name}`, { headers: { connection: 'close' } });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

/** Calls a maker once, at the first call. */
export function lazily(make: Make): Make {
  let made: Promise<string> | undefined;
  return () => (made ??= make());
}
