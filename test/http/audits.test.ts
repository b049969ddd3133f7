import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenFor } from '../support/api.ts';
import { listen } from './listen.ts';

/** The server of all audits. None of them changes what another one sees. */
let server: Awaited<ReturnType<typeof listen>>;

beforeAll(async () => {
  server = await listen();
});

afterAll(() => server.close());

const audits = serverAudits({
  url: () => `http://127.0.0.1:${server.port}/graphql`,
  async fetchFn(url: string, init: RequestInit = {}) {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${await tokenFor('alice')}`);
    return fetch(url, { ...init, headers });
  },
});

// https://github.com/graphql/graphql-http#audits
describe('the audits of GraphQL over HTTP', () => {
  it('should be all that there are', () => {
    expect(audits).toHaveLength(61);
  });

  it.each(audits.map(({ id, name, fn }) => [id, name, fn] as const))(
    'should be passed, also those that are no more than advice: %s %s',
    async (id, name, fn) => {
      expect(await fn()).toEqual({ id, name, status: 'ok' });
    },
  );
});
