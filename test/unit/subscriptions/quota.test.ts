import { describe, expect, it } from 'vitest';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { createSubscriptionQuota, createWaitQuota } from '../../../src/subscriptions/quota.ts';

const [alice, bob] = [owner('alice'), owner('bob')];

describe('the quota of subscriptions', () => {
  it('should have its places for each owner', () => {
    const quota = createSubscriptionQuota({ ofOwner: 2 });
    const release = quota.acquire(alice);
    quota.acquire(alice);
    expect(() => quota.acquire(alice)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('close one first'),
        extensions: { code: 'LIMIT_EXCEEDED', http: { status: 429 } },
      }),
    );
    quota.acquire(bob);
    expect(quota.count()).toBe(3);
    release();
    quota.acquire(alice);
    expect(() => quota.acquire(alice)).toThrow('close one first');
    expect(quota.count()).toBe(3);
  });

  it('should have its places for all owners together', () => {
    const quota = createSubscriptionQuota({ inAll: 2 });
    const release = quota.acquire(alice);
    quota.acquire(bob);
    expect(() => quota.acquire(owner('carol'))).toThrow(
      expect.objectContaining({ extensions: { code: 'LIMIT_EXCEEDED', http: { status: 429 } } }),
    );
    release();
    quota.acquire(owner('carol'));
    expect(quota.count()).toBe(2);
  });

  it('should take names such as __proto__ for owners like any other', () => {
    const quota = createSubscriptionQuota({ ofOwner: 1 });
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const release = quota.acquire(owner(name));
      expect(() => quota.acquire(owner(name))).toThrow('close one first');
      release();
      quota.acquire(owner(name));
    }
  });
});

describe('the quota of calls that wait', () => {
  it('should have its places for each owner, and for all together', () => {
    const quota = createWaitQuota({ ofOwner: 2, inAll: 3 });
    const release = quota.acquire(alice);
    quota.acquire(alice);
    const refused = { extensions: { code: 'LIMIT_EXCEEDED', http: { status: 429 } } };
    expect(() => quota.acquire(alice)).toThrow(expect.objectContaining(refused));
    quota.acquire(bob);
    expect(() => quota.acquire(bob)).toThrow(expect.objectContaining(refused));
    release();
    quota.acquire(bob);
    expect(quota.count()).toBe(3);
  });
});
