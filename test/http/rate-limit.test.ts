import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openApi, send } from '../support/api.ts';
import { codesOf, request } from './request.ts';

const COUNT = '{ threads { totalCount } }';

describe('the requests of one owner', () => {
  it('should be refused when they are too many, and not read', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
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
    const other = await send(api, 'bob', COUNT);
    expect(other.status).toBe(200);
    vi.advanceTimersByTime(99_999);
    expect((await send(api, 'alice', COUNT)).status).toBe(429);
    // After the seconds that it was told, and none of the refused did anything.
    vi.advanceTimersByTime(1);
    expect((await send(api, 'alice', COUNT)).body.data).toEqual({ threads: { totalCount: 1 } });
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
