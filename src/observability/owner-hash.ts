import { createHmac, randomBytes } from 'node:crypto';
import type { Owner } from '../store/owner.ts';

/** So many hashes are remembered: an HMAC costs as much as the rest of a line. */
const MAX_KNOWN = 1_000;

/**
 * Names owners in the log without saying who they are: 16 hex digits, the same for an owner as long as the server
 * runs. The salt is nowhere else, so that nobody can try out owners against a log.
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
