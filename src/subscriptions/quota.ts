import { apiError } from '../errors.ts';
import { MAX_SUBSCRIPTIONS, MAX_SUBSCRIPTIONS_OF_OWNER, MAX_WAITS, MAX_WAITS_OF_OWNER } from '../limits.ts';
import type { Owner } from '../store/owner.ts';

/** How many subscriptions can be open at once. */
export interface QuotaLimits {
  /** Of all owners. Default: `MAX_SUBSCRIPTIONS`. */
  readonly inAll?: number;
  /** Of one owner. Default: `MAX_SUBSCRIPTIONS_OF_OWNER`. */
  readonly ofOwner?: number;
}

/** How many waiting calls can be open at once. */
export type WaitLimits = QuotaLimits;

/** A quota of what can be open at once. */
export interface Quota {
  /** Acquires a slot of an owner's quota. @throws GraphQLError LIMIT_EXCEEDED where none is left */
  acquire(owner: Owner): void;
  /** Releases a slot of an owner's. */
  release(owner: Owner): void;
  /** How many slots are in use. */
  count(): number;
}

/** Creates the quota of open subscriptions. */
export function createSubscriptionQuota({
  inAll = MAX_SUBSCRIPTIONS,
  ofOwner = MAX_SUBSCRIPTIONS_OF_OWNER,
}: QuotaLimits = {}): Quota {
  return createQuota(inAll, ofOwner, 'open subscriptions');
}

/** Creates the quota of calls that wait. */
export function createWaitQuota({ inAll = MAX_WAITS, ofOwner = MAX_WAITS_OF_OWNER }: WaitLimits = {}): Quota {
  return createQuota(inAll, ofOwner, 'waiting calls');
}

function createQuota(inAll: number, ofOwner: number, what: string): Quota {
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
        throw tooMany(`You have ${ofOwner} ${what}, and cannot have more: close one first.`);
      }
      if (all >= inAll) {
        throw tooMany(`The server has all the ${what} it can have: try again later.`);
      }
      add(owner, 1);
    },
    release: (owner) => add(owner, -1),
    count: () => all,
  };
}

function tooMany(message: string): Error {
  return apiError('LIMIT_EXCEEDED', message, { status: 429 });
}
