import { createHmac, randomBytes } from 'node:crypto';
import type { Owner } from '../store/owner.ts';

/**
 * Names owners in the log without saying who they are: 16 hex digits, the same for an owner as long as the server
 * runs. The salt is nowhere else, so that nobody can try out owners against a log.
 */
export function createOwnerHash(): (owner: Owner) => string {
  const salt = randomBytes(32);
  return (owner) => createHmac('sha256', salt).update(owner).digest('hex').slice(0, 16);
}
