import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ProvidedContext } from 'vitest';
import { dropAll } from './admin.ts';
import { startPostgres } from './instance.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** How tests get to the PostgreSQL that they share. */
    readonly postgres: {
      /** Answers its URL, and starts it when it is the first to ask. */
      readonly askAt: string;
      /** What the names of all databases and roles of this run begin with. */
      readonly prefix: string;
    };
  }
}

/** The PostgreSQL of a whole run. */
interface Shared {
  readonly url: string;
  stop(): Promise<void>;
}

/** What takes the values that tests inject; vitest gives its main project. */
export interface Provider {
  provide(key: 'postgres', value: ProvidedContext['postgres']): void;
}

/** Lets all tests of a run share one PostgreSQL, which starts when one of them asks for it. */
export async function setup({ provide }: Provider): Promise<() => Promise<void>> {
  const prefix = `test_${randomBytes(4).toString('hex')}_`;
  let shared: Promise<Shared> | undefined;

  const path = `/${randomBytes(16).toString('hex')}`;
  const server = createServer((request, response) => {
    if (request.url !== path) {
      response.writeHead(404).end();
      return;
    }
    shared ??= openShared(prefix);
    shared.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  provide('postgres', { askAt: `http://127.0.0.1:${port}${path}`, prefix });

  return async () => {
    server.close();
    // One that could not be started has said so to those who asked.
    const opened = await shared?.catch(() => null);
    await opened?.stop();
  };
}

/** The server that `TEST_DATABASE_URL` names, else one of our own. */
async function openShared(prefix: string): Promise<Shared> {
  const { TEST_DATABASE_URL: url } = process.env;
  if (url === undefined || url === '') return startPostgres();
  return { url, stop: () => dropAll(url, prefix) };
}
