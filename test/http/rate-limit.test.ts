import { createYoga } from 'graphql-yoga';
import { describe, expect, it } from 'vitest';
import { createAdmission, useRateLimit } from '../../src/http/yoga/use-rate-limit.ts';
import { notesOf } from '../../src/observability/request-record.ts';
import { testClock } from '../unit/auth/tokens.ts';
import { openApi, send } from '../support/api.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { codesOf, request } from './request.ts';

describe('the requests of one owner', () => {
  it('should be refused when they are too many, and not read', async () => {
    // In a hundredth of a second, which is as long as this may take, not one more comes in.
    const { api, logged } = openApi({ rateLimit: 0.01 });
    const MUTATION = 'mutation { createThread { thread { id } } }';
    expect((await send(api, 'alice', MUTATION)).status).toBe(200);
    const refused = await send(api, 'alice', MUTATION);
    expect({ status: refused.status, codes: codesOf(refused.text) }).toEqual({
      status: 429,
      codes: ['LIMIT_EXCEEDED'],
    });
    expect(refused.headers.get('retry-after')).toBe('100');
    // Not even looked at.
    const invalid = await request(api, '/graphql', { as: 'alice', method: 'POST', body: '{' });
    expect(invalid.status).toBe(429);
    const other = await send(api, 'bob', '{ threads { totalCount } }');
    expect(other.status).toBe(200);
    expect(logged).toEqual([]);
  });

  it('should be as many as there are by default, and without a token', async () => {
    const unlimited = openApi();
    const limited = openApi({ rateLimit: 1 });
    for (let i = 0; i < 20; i += 1) {
      expect((await send(unlimited.api, 'alice', '{ __typename }')).status).toBe(200);
      expect((await send(limited.api, null, '{ __typename }')).status).toBe(200);
    }
  });

  it('should be counted after authentication: a bad token takes none of them', async () => {
    const { api } = openApi({ rateLimit: 0.01 });
    for (let i = 0; i < 3; i += 1) {
      const { status } = await request(api, '/graphql?query={x}', { headers: { authorization: 'Bearer x' } });
      expect(status).toBe(401);
    }
    expect((await send(api, 'alice', '{ __typename }')).status).toBe(200);
  });
});

/** The plugin alone: how many of so many requests of an owner are let in. */
function limiter(options: { readonly rate: number; readonly maxOwners?: number }) {
  const { now, advance } = testClock();
  const api = createYoga({
    logging: false,
    plugins: [
      {
        onRequestParse: ({ request: asked }) =>
          void (notesOf(asked).owner = owner(asked.headers.get('x-owner') ?? '')),
      },
      useRateLimit(createAdmission({ ...options, now }), options.rate),
      { onRequestParse: ({ endResponse, fetchAPI }) => endResponse(new fetchAPI.Response('in')) },
    ],
  });
  async function letIn(name: string, count: number): Promise<number> {
    let passed = 0;
    for (let i = 0; i < count; i += 1) {
      const { status } = await api.fetch('http://localhost/graphql?query={x}', {
        headers: { 'x-owner': name },
      });
      if (status === 200) passed += 1;
    }
    return passed;
  }
  return { letIn, advance };
}

describe('the rate', () => {
  it.each([
    [1, 1],
    [3, 3],
    [7, 7],
    [0.5, 1],
    [1_000, 1_000],
  ])('of %d should let in %d at once, and again when they came in', async (rate, burst) => {
    const { letIn, advance } = limiter({ rate });
    expect(await letIn('alice', burst + 2)).toBe(burst);
    advance(Math.ceil(1_000 / rate) - 1);
    expect(await letIn('alice', 1)).toBe(0);
    advance(1);
    expect(await letIn('alice', 2)).toBe(1);
    advance(3_600_000);
    expect(await letIn('alice', burst + 2)).toBe(burst);
  });

  it('should be counted for as many owners as there is memory for, those who asked last', async () => {
    const { letIn } = limiter({ rate: 1, maxOwners: 2 });
    for (const name of ['alice', 'bob']) expect(await letIn(name, 2)).toBe(1);
    expect(await letIn('alice', 1)).toBe(0);
    expect(await letIn('carol', 1)).toBe(1);
    expect(await letIn('alice', 1)).toBe(0);
    expect(await letIn('bob', 1)).toBe(1);
  });
});
