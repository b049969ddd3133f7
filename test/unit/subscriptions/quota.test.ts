import { describe, expect, it } from 'vitest';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { createSubscriptionQuota, createWaitQuota, type Quota } from '../../../src/subscriptions/quota.ts';

const [alice, bob] = [owner('alice'), owner('bob')];

describe('the quota of subscriptions', () => {
  it('should have its places for each owner', () => {
    const quota = createSubscriptionQuota({ ofOwner: 2 });
    quota.acquire(alice);
    quota.acquire(alice);
    expect(() => quota.acquire(alice)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('close one first'),
        extensions: { code: 'LIMIT_EXCEEDED', http: { status: 429 } },
      }),
    );
    quota.acquire(bob);
    expect(quota.count()).toBe(3);
    quota.release(alice);
    quota.acquire(alice);
    expect(() => quota.acquire(alice)).toThrow('close one first');
    expect(quota.count()).toBe(3);
  });

  it('should have its places for all owners together', () => {
    const quota = createSubscriptionQuota({ inAll: 2 });
    quota.acquire(alice);
    quota.acquire(bob);
    expect(() => quota.acquire(owner('carol'))).toThrow(
      expect.objectContaining({ extensions: { code: 'LIMIT_EXCEEDED', http: { status: 429 } } }),
    );
    quota.release(alice);
    quota.acquire(owner('carol'));
    expect(quota.count()).toBe(2);
  });

  it('should have 50 places for each owner and 10,000 in all by default', () => {
    expect(placesOf(createSubscriptionQuota())).toEqual({ ofOwner: 50, inAll: 10_000 });
  });

  it('should take names such as __proto__ for owners like any other', () => {
    const quota = createSubscriptionQuota({ ofOwner: 1 });
    for (const name of ['__proto__', 'constructor', 'toString']) {
      quota.acquire(owner(name));
      expect(() => quota.acquire(owner(name))).toThrow('close one first');
      quota.release(owner(name));
      quota.acquire(owner(name));
    }
  });
});

/** How many places a quota has, taken one by one. */
function placesOf(quota: Quota): { readonly ofOwner: number; readonly inAll: number } {
  const placesFor = (name: string): number => {
    for (let taken = 0; ; taken++) {
      try {
        quota.acquire(owner(name));
      } catch {
        return taken;
      }
    }
  };
  const ofOwner = placesFor('first');
  for (let other = 0; placesFor(`other ${other}`) > 0; other++);
  return { ofOwner, inAll: quota.count() };
}

describe('the quota of calls that wait', () => {
  it('should have 1,000 places for each owner and 20,000 in all by default', () => {
    expect(placesOf(createWaitQuota())).toEqual({ ofOwner: 1_000, inAll: 20_000 });
  });

  it('should have its places for each owner, and for all together', () => {
    const quota = createWaitQuota({ ofOwner: 2, inAll: 3 });
    quota.acquire(alice);
    quota.acquire(alice);
    const refused = { extensions: { code: 'LIMIT_EXCEEDED', http: { status: 429 } } };
    expect(() => quota.acquire(alice)).toThrow(expect.objectContaining(refused));
    quota.acquire(bob);
    expect(() => quota.acquire(bob)).toThrow(expect.objectContaining(refused));
    quota.release(alice);
    quota.acquire(bob);
    expect(quota.count()).toBe(3);
  });
});
