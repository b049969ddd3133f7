import { describe, expect, it } from 'vitest';
import { openApi, tokenFor } from '../support/api.ts';
import { listen } from './listen.ts';
import { codesOf, NO_THREADS, request, threadsOf } from './request.ts';

const MUTATION = 'mutation { createThread { thread { id } } }';
const AS_JSON = JSON.stringify({ query: MUTATION });
const AS_FORM = new URLSearchParams({ query: MUTATION }).toString();
const AS_MULTIPART = [
  '--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n',
  `${AS_JSON}\r\n--x\r\nContent-Disposition: form-data; name="map"\r\n\r\n{}\r\n--x--\r\n`,
].join('');

describe('a body that is not JSON', () => {
  it.each([
    ['application/x-www-form-urlencoded', AS_FORM],
    ['application/x-www-form-urlencoded;charset=UTF-8', AS_FORM],
    ['multipart/form-data; boundary=x', AS_MULTIPART],
    ['application/graphql', MUTATION],
    ['application/graphql+json', AS_JSON],
    ['application/json-patch+json', AS_JSON],
    ['application/jsonx', AS_JSON],
    ['text/plain', AS_JSON],
    ['text/plain;application/json', AS_JSON],
    ['text/plain, application/json', AS_JSON],
    ['text/json', AS_JSON],
    ['', AS_JSON],
    ['application/json; charset=utf-16', AS_JSON],
    ['application/json;charset=latin1', AS_JSON],
    ['application/json; x=1; charset="us-ascii"', AS_JSON],
    ['application/json, text/plain', AS_JSON],
  ])('should be refused and not executed: %j', async (type, body) => {
    const { api } = openApi();
    const answer = await request(api, '/graphql', {
      as: 'alice',
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    expect({ status: answer.status, codes: codesOf(answer.text) }).toEqual({
      status: 415,
      codes: ['BAD_USER_INPUT'],
    });
    expect(answer.headers.get('accept-post')).toBe('application/json');
    expect(await threadsOf(api)).toEqual(NO_THREADS);
  });

  it('should be refused without a content type', async () => {
    const server = await listen();
    const head = `POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${await tokenFor('alice')}\r\n`;
    const answer = await server.exchange(
      `${head}Connection: close\r\nContent-Length: ${AS_JSON.length}\r\n\r\n${AS_JSON}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 415 /);
    expect(await threadsOf(server.api)).toEqual(NO_THREADS);
    await server.close();
  });
});

describe('a body that is compressed', () => {
  it.each([
    ['content-encoding', 'gzip'],
    ['content-encoding', 'GZIP'],
    ['content-encoding', 'br'],
    ['content-encoding', 'deflate, identity'],
    ['transfer-encoding', 'gzip, chunked'],
  ])('should be refused and not executed: %s: %s', async (name, encoding) => {
    const { api } = openApi();
    const answer = await request(api, '/graphql', {
      as: 'alice',
      method: 'POST',
      headers: { 'content-type': 'application/json', [name]: encoding },
      // What claims to be compressed and is not would be executed by who does not look.
      body: AS_JSON,
    });
    expect({ status: answer.status, codes: codesOf(answer.text) }).toEqual({
      status: 415,
      codes: ['BAD_USER_INPUT'],
    });
    expect(answer.headers.get('accept-encoding')).toBe('identity');
    expect(await threadsOf(api)).toEqual(NO_THREADS);
  });

  it('should be executed when it is only said not to be', async () => {
    const { api } = openApi();
    const headers = { 'content-type': 'application/json', 'content-encoding': 'Identity' };
    await request(api, '/graphql', { as: 'alice', method: 'POST', headers, body: AS_JSON });
    expect(await threadsOf(api)).toEqual({ data: { threads: { totalCount: 1 } } });
  });
});

describe('a body that is JSON', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'Application/JSON',
    'APPLICATION/JSON ; Charset="UTF-8"',
    'application/json; x=1',
  ])('should be executed: %s', async (type) => {
    const { api } = openApi();
    const headers = { 'content-type': type };
    await request(api, '/graphql', { as: 'alice', method: 'POST', headers, body: AS_JSON });
    expect(await threadsOf(api)).toEqual({ data: { threads: { totalCount: 1 } } });
  });
});
