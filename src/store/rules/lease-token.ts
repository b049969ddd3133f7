import { hash, timingSafeEqual } from 'node:crypto';
import { isOwner, type Owner } from '../owner.ts';
import type { ClaimRef } from './execution/state.ts';

/** The content of a lease: the run, and the claim. */
export interface LeaseRef extends ClaimRef {
  readonly owner: Owner;
  readonly runId: string;
}

/** Encodes and decodes leases. */
export interface LeaseTokens {
  encode(lease: LeaseRef): string;
  /** What a lease names; null for a text that `encode` did not return for this holder. */
  decode(holder: Owner, token: string): LeaseRef | null;
}

/** The length of the signature in base64url: 258 bits. */
const MAC_CHARS = 43;

/** Leases that are signed with a key of 32 bytes, which is stored with the data. See `createCursors`. */
export function createLeaseTokens(key: Uint8Array): LeaseTokens {
  const secret = Buffer.from(key).toString('base64');

  function encode({ holder, claim, owner, runId }: LeaseRef): string {
    const body = JSON.stringify([runId, claim, owner, holder]);
    // The prefix separates leases from cursors, whose scope begins with the name of a resource.
    const mac = hash('sha512-256', `${secret}lease\0${body}`, 'base64url');
    return mac + Buffer.from(body).toString('base64url');
  }

  return {
    encode,
    decode(caller, token) {
      const body = parse(Buffer.from(token.slice(MAC_CHARS), 'base64url').toString());
      if (!Array.isArray(body)) return null;
      const [runId, claim, owner, holder]: unknown[] = body;
      if (typeof runId !== 'string' || typeof claim !== 'number' || !isOwner(owner) || !isOwner(holder)) {
        return null;
      }
      const lease = { runId, claim, owner, holder };
      const [expected, given] = [Buffer.from(encode(lease)), Buffer.from(token)];
      const isGenuine = expected.length === given.length && timingSafeEqual(expected, given);
      return isGenuine && holder === caller ? lease : null;
    },
  };
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return null;
  }
}
