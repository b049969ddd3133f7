import type { RunStep } from '../../execution.ts';
import type { CancelAction } from '../../records.ts';
import { instant } from '../identity.ts';
import { isActive } from '../status.ts';
import { isHeld } from './state.ts';
import { endRun, type StoredRun, stepOf } from './steps.ts';

/**
 * Cancels a run: it ends at once where no worker holds it, else its worker learns of the request in its next call. A
 * ROLLBACK replaces an INTERRUPT, and not the reverse. Null where nothing changes.
 * @param now milliseconds since 1970
 */
export function cancelRun(stored: StoredRun, action: CancelAction, now: number): RunStep | null {
  const { run, execution } = stored;
  if (!isActive(run.status)) return null;
  const cancelAction = execution.cancelAction === 'ROLLBACK' ? 'ROLLBACK' : action;
  if (run.cancelRequestedAt !== null && cancelAction === execution.cancelAction && isHeld(stored, now)) {
    return null;
  }
  const cancelRequestedAt = run.cancelRequestedAt ?? instant(now);
  if (isHeld(stored, now)) return stepOf(stored, { cancelRequestedAt }, { cancelAction }, now);
  const requested = { ...stored, run: { ...run, cancelRequestedAt } };
  return endRun(requested, { status: 'CANCELLED', cancelAction }, now);
}
