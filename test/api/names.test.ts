import { describe, expect, it } from 'vitest';
import { openApi, send, tokenFor } from '../support/api.ts';
import { subscribe } from '../support/sse.ts';

const NAMES = [
  'then',
  'toJSON',
  '__proto__x',
  'constructor',
  'toString',
  'data',
  'errors',
  'catch',
  'finally',
  'source',
  'v0',
];

describe('a field named as JavaScript names its own', () => {
  it.each(NAMES)('should be answered like any other: %s', async (name) => {
    const { api } = openApi();
    const created = await send(
      api,
      'alice',
      `mutation { ${name}: createThread { ${name}: thread { ${name}: id } userErrors { code } } }`,
    );
    expect(created.body).toEqual({
      data: { [name]: { [name]: { [name]: expect.any(String) }, userErrors: [] } },
    });
    const list = await send(api, 'alice', `{ ${name}: threads { ${name}: nodes { ${name}: status } } }`);
    expect(list.body).toEqual({ data: { [name]: { [name]: [{ [name]: 'IDLE' }] } } });
    expect((await send(api, null, `{ ${name}: __typename }`)).body).toEqual({ data: { [name]: 'Query' } });
  });
});

describe('an event with a field named `then`', () => {
  it('should be sent like any other', async () => {
    const { api } = openApi();
    const stream = await subscribe(api, 'alice', 'subscription { then: threadChanged { then: kind } }');
    await send(api, 'alice', 'mutation { createThread { then: thread { id } } }');
    const event = await stream.next();
    expect(JSON.stringify(event?.data)).toBe('{"data":{"then":{"then":"CREATED"}}}');
    await stream.cancel();
  });
});

describe('a variable named as JavaScript names its own', () => {
  it.each(['__proto__', 'constructor', 'toString'])(
    'should be left out when it is not given: %s',
    async (name) => {
      const { api } = openApi();
      const document = `mutation ($${name}: Int) { createThread(input: {metadata: {a: $${name}, b: [$${name}], c: {d: $${name}}}}) { thread { metadata } } }`;
      expect((await send(api, 'alice', document)).body).toEqual({
        data: { createThread: { thread: { metadata: { b: [null], c: {}, owner: 'alice' } } } },
      });
    },
  );
});

describe('a request that would not accept JSON', () => {
  it.each(['image/png', 'text/html'])('should be told about its token all the same: %s', async (accept) => {
    const { api } = openApi();
    const headers = { accept, authorization: 'Bearer bad' };
    const { status, body, headers: given } = await send(api, null, '{ __typename }', undefined, headers);
    expect(status).toBe(401);
    expect(given.get('www-authenticate')).toBe('Bearer');
    expect(body.errors?.map((error) => error.extensions.code)).toEqual(['UNAUTHENTICATED']);
  });

  it('should be told what is accepted', async () => {
    const { api } = openApi();
    const headers = { accept: 'image/png', authorization: `Bearer ${await tokenFor('alice')}` };
    const { status, body } = await send(api, null, '{ threads { totalCount } }', undefined, headers);
    expect(status).toBe(406);
    expect(body.errors?.[0]?.message).toContain('application/json');
  });
});
