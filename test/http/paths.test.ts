import { describe, expect, it } from 'vitest';
import { openApi } from '../support/api.ts';
import { listen } from './listen.ts';
import { type Ask, codesOf, graphqlUrl, INNARDS, request } from './request.ts';

const PAGE = '<!doctype html><p>page</p>';
const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('unknown paths', () => {
  it.each([
    '/graphql/',
    '/x/graphql',
    '/graphqlx',
    '/GraphQL',
    '/foo/health',
    '/health/',
    '/healthz',
    '/HEALTH',
    '/%68ealth',
    '/foo/ready',
    '/ready/',
    '/x?/graphql',
    '/favicon.ico',
  ])('should be 404 in a line of JSON: %s', async (path) => {
    const { api } = openApi({ page: () => PAGE });
    for (const ask of [{}, { headers: HTML }, { method: 'POST', body: '{"query":"{ __typename }"}' }]) {
      const { status, headers, text } = await request(api, path, { as: 'alice', ...ask });
      expect(status).toBe(404);
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(text).toMatch(/^[^\n]+\n$/);
      expect(codesOf(text)).toEqual(['BAD_USER_INPUT']);
    }
  });

  it('should not take the path of a probe from the query string', async () => {
    const { api } = openApi({ isReady: () => false });
    for (const path of ['/graphql?x=/health', '/graphql?/ready']) {
      const { status, text } = await request(api, path, { as: 'alice' });
      expect({ status, codes: codesOf(text) }).toEqual({ status: 400, codes: ['BAD_USER_INPUT'] });
    }
  });
});

describe('/', () => {
  it.each(['/', '/?x=/health'])('should lead a browser to the page: %s', async (path) => {
    const { api } = openApi({ page: () => PAGE });
    const { status, headers, text } = await request(api, path, { headers: HTML });
    expect({ status, text, location: headers.get('location') }).toEqual({
      status: 302,
      text: '',
      location: '/graphql',
    });
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it.each<[string, Ask]>([
    ['a client', { as: 'alice' }],
    ['a client of JSON', { headers: { accept: 'application/json' } }],
    ['a POST', { method: 'POST', headers: { ...HTML, 'content-type': 'text/plain' }, body: '{}' }],
    ['a HEAD', { method: 'HEAD', headers: HTML }],
  ])('should be 404 for %s', async (_, ask) => {
    const { api } = openApi({ page: () => PAGE });
    expect((await request(api, '/', ask)).status).toBe(404);
  });

  it('should be 404 where there is no page', async () => {
    const { status, text } = await request(openApi({ page: null }).api, '/', { headers: HTML });
    expect({ status, codes: codesOf(text) }).toEqual({ status: 404, codes: ['BAD_USER_INPUT'] });
  });
});

describe.each(['/health', '/ready'])('%s', (path) => {
  it.each([path, `${path}?x`, `${path}?x=/graphql`])('should answer %s to anybody', async (url) => {
    const { status, headers, text } = await request(openApi().api, url);
    expect({ status, text }).toEqual({ status: 200, text: 'ok\n' });
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('should answer whatever the token', async () => {
    const headers = { authorization: 'Bearer nonsense' };
    const { status } = await request(openApi().api, path, { headers });
    expect(status).toBe(200);
  });

  it.each(['PUT', 'DELETE', 'POST', 'PATCH'])('should not answer %s', async (method) => {
    const { status, headers, text } = await request(openApi().api, path, { method });
    expect({ status, codes: codesOf(text) }).toEqual({ status: 405, codes: ['BAD_USER_INPUT'] });
    expect(headers.get('allow')).toBe('GET, HEAD');
  });

  it('should answer HEAD without a body', async () => {
    const server = await listen();
    const answer = await server.exchange(
      `HEAD ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
    await server.close();
  });
});

describe('a server that is not ready', () => {
  it('should say so without a reason, live, and go on answering', async () => {
    let ready = false;
    const { api } = openApi({ isReady: () => ready });
    const notYet = await request(api, '/ready');
    expect({ status: notYet.status, text: notYet.text }).toEqual({ status: 503, text: 'not ready\n' });
    expect((await request(api, '/ready', { method: 'HEAD' })).status).toBe(503);
    expect((await request(api, '/health')).status).toBe(200);
    expect((await request(api, graphqlUrl({ query: '{ __typename }' }))).status).toBe(200);
    ready = true;
    expect((await request(api, '/ready')).status).toBe(200);
  });
});

describe('the page', () => {
  it('should be for browsers, and not be kept', async () => {
    const { api } = openApi({ page: () => Promise.resolve(PAGE) });
    for (const path of ['/graphql', '/graphql?query={x}']) {
      const { status, headers, text } = await request(api, path, { headers: HTML });
      expect({ status, text }).toEqual({ status: 200, text: PAGE });
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('should let browsers ask no other host, and be shown in no frame', async () => {
    let marked = '';
    const { api } = openApi({
      page(nonce) {
        marked = nonce;
        return PAGE;
      },
    });
    const first = await request(api, '/graphql', { headers: HTML });
    const policy = first.headers.get('content-security-policy')?.split('; ');
    expect(policy).toEqual([
      "default-src 'none'",
      `script-src 'nonce-${marked}'`,
      'worker-src blob:',
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data:",
      'font-src data:',
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(first.headers.get('referrer-policy')).toBe('no-referrer');
    expect(first.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    const before = marked;
    await request(api, '/graphql', { headers: HTML });
    expect(marked).toMatch(/^[\w+/]{22}==$/);
    expect(marked).not.toBe(before);
  });

  it('should be made anew for each who asks', async () => {
    let made = 0;
    const { api } = openApi({ page: () => `page ${(made += 1)}` });
    await request(api, '/graphql', { headers: HTML });
    const { text } = await request(api, '/graphql', { headers: HTML });
    expect(text).toBe('page 2');
  });

  it.each<[string, string, Record<string, string>]>([
    ['POST', '/graphql', { ...HTML, 'content-type': 'application/json' }],
    ['HEAD', '/graphql', HTML],
    ['GET', '/graphql', { accept: '*/*' }],
    ['GET', '/graphql', {}],
    ['GET', '/graphql', { accept: 'application/json' }],
  ])('should not be for %s %s %j', async (method, path, headers) => {
    const { api } = openApi({ page: () => PAGE });
    const body = method === 'POST' ? { body: '{"query":"{ __typename }"}' } : {};
    const answer = await request(api, path, { as: 'alice', method, headers, ...body });
    expect(answer.text ?? '').not.toContain('page');
  });

  it('should not be where there is none', async () => {
    const { headers, text } = await request(openApi({ page: null }).api, '/graphql', { headers: HTML });
    expect(headers.get('content-type')).not.toContain('text/html');
    expect(text).not.toContain('<');
  });

  it('should tell nothing of why it cannot be made', async () => {
    const cause = new Error('no such file: /src/secret');
    const server = await listen({ page: () => Promise.reject(cause) });
    const answer = await server.exchange(
      'GET /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(answer).toContain('INTERNAL_SERVER_ERROR');
    expect(answer).not.toMatch(INNARDS);
    expect(server.logged).toEqual([cause]);
    await server.close();
  });
});
