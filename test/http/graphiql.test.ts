import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { renderPage } from '../../src/http/yoga/graphiql.ts';
import { openApi } from '../support/api.ts';
import { request } from './request.ts';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

async function openPage() {
  const { api } = openApi({ page: (nonce) => renderPage(() => 'a token', nonce) });
  const page = await request(api, '/graphql', { headers: { accept: BROWSER } });
  const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
  return { api, page, files };
}

describe('the GraphiQL page', () => {
  it('should be small, and not be kept, since it has a token', async () => {
    const { page, files } = await openPage();
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.text).toContain('a token');
    expect(page.text.length).toBeLessThan(10_000);
    expect(files.map((path) => path.replace(/[0-9a-f]{16}/, 'hash'))).toEqual([
      '/graphql/assets/icon-hash.ico',
      '/graphql/assets/graphiql-hash.css',
      '/graphql/assets/graphiql-hash.js',
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
