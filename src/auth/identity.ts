import type { Owner } from '../store/owner.ts';

/** The identity that a verified token gives. */
export interface Identity {
  readonly owner: Owner;
  /** What a worker of all owners may claim; null for everybody else. */
  readonly worker: WorkerRights | null;
  /**
   * When the token expires, in milliseconds since 1970: its `exp`, or 24 h after its `iat` when that is earlier. The clock
   * tolerance is not added, so it may be up to 10 s in the past.
   */
  readonly expiresAt: number;
}

/** What a worker's token allows. */
export interface WorkerRights {
  /** The graphs whose runs it may claim; null for all. */
  readonly graphs: readonly string[] | null;
}
