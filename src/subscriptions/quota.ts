import { apiError } from '../errors.ts';
import { MAX_SUBSCRIPTIONS, MAX_SUBSCRIPTIONS_OF_OWNER } from '../limits.ts';
import type { Owner } from '../store/owner.ts';

/** How many subscriptions can be open. */
export interface PlaceLimits {
  readonly inAll?: number;
  readonly ofOwner?: number;
}

/** The places for open subscriptions. */
export interface Places {
  /**
   * Takes one, and answers how to give it back.
   * @throws GraphQLError LIMIT_EXCEEDED when there is none left
   */
  take(owner: Owner): () => void;
  /** How many an owner has taken. */
  of(owner: Owner): number;
}

/** Makes the places, all of them free. */
export function createPlaces({
  inAll = MAX_SUBSCRIPTIONS,
  ofOwner = MAX_SUBSCRIPTIONS_OF_OWNER,
}: PlaceLimits = {}): Places {
  const taken = new Map<Owner, number>();
  let all = 0;

  function count(owner: Owner, change: 1 | -1): void {
    all += change;
    const own = (taken.get(owner) ?? 0) + change;
    if (own === 0) taken.delete(owner);
    else taken.set(owner, own);
  }

  return {
    take(owner) {
      if ((taken.get(owner) ?? 0) >= ofOwner) {
        throw tooMany(`You have ${ofOwner} open subscriptions, and cannot have more: close one first.`);
      }
      if (all >= inAll)
        throw tooMany('The server has all the open subscriptions it can have: try again later.');
      count(owner, 1);
      return () => count(owner, -1);
    },
    of: (owner) => taken.get(owner) ?? 0,
  };
}

function tooMany(message: string): Error {
  return apiError('LIMIT_EXCEEDED', message, { status: 429 });
}
