import { createHmac, randomBytes } from 'node:crypto';
import type { Owner } from '../store/owner.ts';

/** How many hashes are cached: an HMAC takes as long as the rest of a line. */
const MAX_KNOWN = 1_000;

/**
 * Creates the function that hashes owners for the log: 16 hex digits, the same for an owner as long as the server runs.
 * The salt is never stored: owners cannot be found by trying.
 */
export function createOwnerHash(): (owner: Owner) => string {
  const salt = randomBytes(32);
  const known = new Map<Owner, string>();
  return (owner) => {
    let hash = known.get(owner);
    if (hash === undefined) {
      hash = createHmac('sha256', salt).update(owner).digest('hex').slice(0, 16);
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(owner, hash);
    }
    return hash;
  };
}
