import type { Outcome } from '../store/outcome.ts';
import type { Owner } from '../store/owner.ts';
import type { Claim } from '../store/queue.ts';
import type { Stores } from '../store/stores.ts';

/** The leases of one claim. */
interface ClaimedRuns {
  readonly worker: Owner;
  readonly leases: readonly string[];
}

/** A request that may claim runs. */
export interface ClaimingRequest {
  readonly stores: Stores;
  /** What it has claimed and not released; null where that is nothing. */
  claimed: ClaimedRuns[] | null;
}

/** Notes the runs that a request has claimed, for {@link releaseClaims}. */
export function noteClaims(
  request: ClaimingRequest,
  worker: Owner,
  outcome: Outcome<readonly Claim[]>,
): void {
  if ('refusals' in outcome || outcome.value.length === 0) return;
  request.claimed ??= [];
  request.claimed.push({ worker, leases: outcome.value.map(({ lease }) => lease) });
}

/** Releases the runs that a request has claimed: their worker does not get its response. It never rejects. */
export async function releaseClaims(request: ClaimingRequest): Promise<void> {
  const claimed = request.claimed ?? [];
  request.claimed = null;
  const { queue } = request.stores;
  // Where it fails, the leases end by themselves.
  await Promise.allSettled(claimed.map(async ({ worker, leases }) => queue.release(worker, leases)));
}
