import { apiError } from '../errors.ts';
import { MAX_SUBSCRIPTIONS, MAX_SUBSCRIPTIONS_OF_OWNER } from '../limits.ts';
import type { Owner } from '../store/owner.ts';

/** How many subscriptions can be open at once. */
export interface QuotaLimits {
  /** Of all owners. Default: `MAX_SUBSCRIPTIONS`. */
  readonly inAll?: number;
  /** Of one owner. Default: `MAX_SUBSCRIPTIONS_OF_OWNER`. */
  readonly ofOwner?: number;
}

/** The quota of open subscriptions. */
export interface SubscriptionQuota {
  /**
   * Takes a place of an owner's quota, and returns the function that releases it.
   * @throws GraphQLError LIMIT_EXCEEDED when there is none left
   */
  acquire(owner: Owner): () => void;
  /** How many places are taken. */
  count(): number;
}

/** Creates a quota with all places free. */
export function createSubscriptionQuota({
  inAll = MAX_SUBSCRIPTIONS,
  ofOwner = MAX_SUBSCRIPTIONS_OF_OWNER,
}: QuotaLimits = {}): SubscriptionQuota {
  const taken = new Map<Owner, number>();
  let all = 0;

  function add(owner: Owner, change: 1 | -1): void {
    all += change;
    const own = (taken.get(owner) ?? 0) + change;
    if (own === 0) taken.delete(owner);
    else taken.set(owner, own);
  }

  return {
    acquire(owner) {
      if ((taken.get(owner) ?? 0) >= ofOwner) {
        throw tooMany(`You have ${ofOwner} open subscriptions, and cannot have more: close one first.`);
      }
      if (all >= inAll) {
        throw tooMany('The server has all the open subscriptions it can have: try again later.');
      }
      add(owner, 1);
      return () => add(owner, -1);
    },
    count: () => all,
  };
}

function tooMany(message: string): Error {
  return apiError('LIMIT_EXCEEDED', message, { status: 429 });
}
