import { randomBytes } from 'node:crypto';
import type { ProvidedContext } from 'vitest';
import { buildProject } from './build.ts';
import { lazily, serveOnDemand } from './on-demand.ts';
import { dropAll } from './postgres/admin.ts';
import { startPostgres } from './postgres/instance.ts';
import { createTemplate } from './postgres/template.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What all tests of a run share. */
    readonly shared: {
      /** Answers what is made at the first request for it: `postgres`, `template`, those of version 18, and `build`. */
      readonly askAt: string;
      /** What the names of all databases and roles of this run begin with. */
      readonly prefix: string;
    };
  }
}

/** What takes the values that tests inject; vitest gives its main project. */
export interface Provider {
  provide(key: 'shared', value: ProvidedContext['shared']): void;
}

/** Lets all tests of a run share one PostgreSQL and one build, which are made when one of them asks for them. */
export async function setup({ provide }: Provider): Promise<() => Promise<void>> {
  const prefix = `test_${randomBytes(4).toString('hex')}_`;
  const endings: (() => Promise<void>)[] = [];

  /** A server, and the database on it that others are copied from. */
  function serverMakers(start: () => Promise<StartedServer>) {
    const server = lazily(async () => {
      const { url, stop } = await start();
      endings.push(stop);
      return url;
    });
    return { server, template: lazily(async () => createTemplate(await server(), prefix)) };
  }
  const usual = serverMakers(() => sharedPostgres(prefix));
  const newest = serverMakers(() => startPostgres({ from: 'embedded', packages: 'postgres-18' }));
  const build = lazily(async () => {
    const { folder, remove } = await buildProject();
    endings.push(remove);
    return folder;
  });
  const { askAt, close } = await serveOnDemand({
    postgres: usual.server,
    template: usual.template,
    'postgres-18': newest.server,
    'template-18': newest.template,
    build,
  });
  provide('shared', { askAt, prefix });

  return async () => {
    await close();
    for (const end of endings) await end();
  };
}

interface StartedServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** The server that `TEST_DATABASE_URL` names, else one of our own. */
async function sharedPostgres(prefix: string): Promise<StartedServer> {
  const { TEST_DATABASE_URL: url } = process.env;
  if (url === undefined || url === '') return startPostgres();
  return { url, stop: () => dropAll(url, prefix) };
}
