import type { Owner } from '../store/owner.ts';

/** Who a verified token speaks for, and until when. */
export interface Identity {
  readonly owner: Owner;
  /**
   * When the token ends, in ms since the epoch: its `exp`, or 24 h after its `iat` when that is earlier.
   * Without the clock tolerance, so it may lie up to 10 s in the past.
   */
  readonly expiresAt: number;
}
