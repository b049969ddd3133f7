import { describe, expect, it } from 'vitest';
import { tokenSource } from '../../../src/worker/token-source.ts';

/** A token that expires so many seconds from now. @param id tells it from others */
function tokenWith(id: number, seconds: number): string {
  const payload = { exp: Math.floor(Date.now() / 1_000) + seconds, id };
  return `head.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.signature`;
}

/** A source that counts the tokens it was given. */
function countingSource(seconds: number) {
  let count = 0;
  const source = tokenSource(() => Promise.resolve(tokenWith(++count, seconds)));
  return { source, count: () => count };
}

describe('the source of tokens', () => {
  it('should be asked once for calls at once and after each other', async () => {
    const { source, count } = countingSource(3_600);
    const tokens = [...(await Promise.all([source.get(), source.get()])), await source.get()];
    expect(new Set(tokens).size).toBe(1);
    expect(count()).toBe(1);
  });

  it('should be asked again where a token has less than a minute, which is sent until there is another', async () => {
    const { source, count } = countingSource(50);
    const first = await source.get();
    expect(await source.get()).toBe(first);
    await new Promise(setImmediate);
    expect(await source.get()).not.toBe(first);
    expect(count()).toBeGreaterThan(1);
  });

  it('should give a token that is still good while no other can be had', async () => {
    let token = tokenWith(1, 50);
    const source = tokenSource(() => {
      if (token === '') throw new Error('The identity provider is down.');
      return token;
    });
    const first = await source.get();
    token = '';
    for (let call = 0; call < 3; call++) {
      expect(await source.get()).toBe(first);
      await new Promise(setImmediate);
    }
  });

  it('should not give a token that expires in a moment', async () => {
    const { source, count } = countingSource(3);
    expect(await source.get()).not.toBe(await source.get());
    expect(count()).toBe(2);
  });

  it.each([
    ['nothing', undefined],
    ['an object', { token: 'token' }],
    ['a text with a line break within', 'two\nlines'],
    ['an empty text', ''],
    ['a text beyond ASCII', 'tökén…'],
  ])('should reject, and ask again, after %s was returned', async (_, returned) => {
    let answer: unknown = returned;
    // @ts-expect-error -- What JavaScript may return.
    const source = tokenSource(() => answer);
    await expect(source.get()).rejects.toThrow('must return a bearer token');
    answer = 'token';
    expect(await source.get()).toBe('token');
  });

  it('should leave out the line break at the end of a file', async () => {
    expect(await tokenSource(() => 'token\n').get()).toBe('token');
  });

  it('should be asked again where the token was refused, once for it', async () => {
    const { source, count } = countingSource(3_600);
    const first = await source.get();
    expect(source.refused(first)).toBe(true);
    const second = await source.get();
    expect(second).not.toBe(first);
    // A late answer to the first.
    source.refused(first);
    expect(await source.get()).toBe(second);
    expect(count()).toBe(2);
  });

  it('should be asked again after it has failed', async () => {
    let fails = true;
    const source = tokenSource(() => {
      if (fails) throw new Error('The identity provider is down.');
      return 'token';
    });
    await expect(source.get()).rejects.toThrow('down');
    fails = false;
    expect(await source.get()).toBe('token');
  });

  it('should have nothing else where the token is fixed', async () => {
    const source = tokenSource('token');
    expect(source.refused('token')).toBe(false);
    expect(await source.get()).toBe('token');
  });
});
