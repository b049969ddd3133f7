import { brotliDecompressSync } from 'node:zlib';
import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { renderPage } from '../../src/http/yoga/graphiql.ts';
import { pageOwners, type PageOwnerRules } from '../../src/http/yoga/page-owners.ts';
import { TOUR } from '../../src/http/yoga/tour.ts';
import { schema } from '../../src/schema/schema.ts';
import { openApi } from '../support/api.ts';
import { request } from './request.ts';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

async function openPage() {
  const owners = [{ owner: 'dev', token: 'a </script> token' }];
  const { api } = openApi({ page: (nonce) => renderPage(() => owners, nonce) });
  const page = await request(api, '/graphql', { headers: { accept: BROWSER } });
  const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
  return { api, page, files };
}

describe('the GraphiQL page', () => {
  it('should be small, and not be kept, since it has a token', async () => {
    const { page, files } = await openPage();
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.text).toContain(String.raw`"owner":"dev","token":"a \u003c/script> token"`);
    expect(page.text.length).toBeLessThan(10_000);
    expect(files.map((path) => path.replace(/[0-9a-f]{16}/, 'hash'))).toEqual([
      '/graphql/assets/icon-hash.svg',
      '/graphql/assets/graphiql-hash.css',
      '/graphql/assets/page-hash.css',
      '/graphql/assets/graphiql-hash.js',
      '/graphql/assets/page-hash.js',
    ]);
  });

  it('should have files that are compressed and kept', async () => {
    const { api, files } = await openPage();
    for (const path of files) {
      const response = await api.fetch(`http://localhost${path}`, {
        headers: { 'accept-encoding': 'br, gzip' },
      });
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-encoding': 'br',
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
      });
      expect(response.headers.get('vary')).toContain('Accept-Encoding');
      const sent = Buffer.from(await response.arrayBuffer());
      const plain = await api.fetch(`http://localhost${path}`);
      expect(plain.headers.get('content-encoding')).toBeNull();
      expect(brotliDecompressSync(sent).equals(Buffer.from(await plain.arrayBuffer()))).toBe(true);
      expect(sent.length).toBeLessThan(3_000_000);
    }
  });

  it.each([
    '/graphql/assets/',
    '/graphql/assets/graphiql-0123456789abcdef.js',
    '/graphql/assets/../../etc/passwd',
  ])('should have no other files: %s', async (path) => {
    const { api } = await openPage();
    expect((await request(api, path)).status).toBe(404);
  });

  it('should have no files where there is no page', async () => {
    const { files } = await openPage();
    const { api } = openApi({ page: null });
    for (const path of files) expect((await request(api, path)).status).toBe(404);
  });

  it.each([
    ['text/html', true],
    [BROWSER, true],
    ['application/json, text/html;q=0.1', false],
    ['text/html, application/json', false],
    ['text/html;q=0.5, */*;q=0.5', false],
    ['text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', false],
    ['text/html;q=0, */*', false],
    ['*/*', false],
  ])('should be what is sent to a client that accepts %s: %s', async (accept, isPage) => {
    const { api } = openApi({ page: () => '<html></html>' });
    const { headers } = await request(api, '/graphql?query={__typename}', { headers: { accept } });
    expect(headers.get('content-type')).toBe(`${isPage ? 'text/html' : 'application/json'}; charset=utf-8`);
  });
});

describe('the tokens of the page', () => {
  it.each<[PageOwnerRules['signsWith'], boolean, readonly string[]]>([
    ['development secret', true, ['dev', 'alice', 'bob']],
    ['development secret', false, ['dev']],
    ['AUTH_SECRET', true, ['dev']],
    ['AUTH_SECRET', false, []],
    [null, true, []],
    [null, false, []],
  ])('should, signed with %s, on loopback: %s, be those of %j', (signsWith, onLoopback, owners) => {
    expect(pageOwners({ production: false, signsWith, onLoopback })).toEqual(owners);
    expect(pageOwners({ production: true, signsWith, onLoopback })).toEqual([]);
  });

  it.each<[boolean, Record<string, string>]>([
    [true, { host: 'localhost:4000' }],
    [true, { host: 'agents.localhost:4000' }],
    [true, { host: '127.0.0.1:4000' }],
    [true, { host: '[::1]:4000' }],
    [true, { host: '192.168.1.5:4000' }],
    [true, { host: 'localhost:4000', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' }],
    // A site whose name resolves to this machine.
    [false, { host: 'evil.example:4000' }],
    [false, { host: 'localhost.evil.example:4000' }],
    [false, { host: 'evil-localhost:4000' }],
    [false, { host: '127.0.0.1.evil.example' }],
    [false, { host: 'evil.example', 'x-forwarded-host': 'localhost' }],
    // Scripts, frames and other elements of another page.
    [false, { host: 'localhost:4000', origin: 'http://localhost:3000' }],
    [false, { host: 'localhost:4000', origin: 'null' }],
    [false, { host: 'localhost:4000', 'sec-fetch-dest': 'empty' }],
    [false, { host: 'localhost:4000', 'sec-fetch-dest': 'iframe' }],
    [false, { host: 'localhost:4000', 'sec-fetch-dest': 'script' }],
  ])('should be given away: %s, to a request with %j', async (isGiven, headers) => {
    const { api } = openApi({ page: (_, isPrivate) => (isPrivate ? 'tokens' : 'none') });
    const { status, text } = await request(api, '/graphql', { headers: { accept: BROWSER, ...headers } });
    expect({ status, text }).toEqual({ status: 200, text: isGiven ? 'tokens' : 'none' });
  });
});

describe('the tour', () => {
  it('should have tabs with names of their own, which say what to do', () => {
    const names = TOUR.map(({ query }) => /^(?:query|mutation|subscription) (\w+)/m.exec(query)?.[1]);
    expect(names).toEqual(['Assistant', 'Watch', 'Run', 'Claim', 'Finish', 'Events', 'List']);
    for (const [index, { query }] of TOUR.entries()) {
      expect(query).toMatch(new RegExp(`^# ${index + 1}\\. `));
      // The width of the editor at 1,280 pixels.
      for (const line of query.split('\n')) expect(line.length).toBeLessThan(52);
    }
  });

  it.each(TOUR)('should have documents that fit the schema: $query', ({ query }) => {
    expect(validate(schema, parse(query))).toEqual([]);
  });

  it('should fill in what earlier tabs were answered with, and nothing else', () => {
    const known = new Set(['assistantId', 'runId', 'lease']);
    const used = [...JSON.stringify(TOUR.map(({ variables }) => variables)).matchAll(/\{\{(\w+)\}\}/g)];
    expect(new Set(used.map(([, name]) => name))).toEqual(known);
  });
});
