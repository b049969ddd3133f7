import type { Refusal } from '../outcome.ts';
import type { Run, RunStatus, ThreadStatus } from '../records.ts';

/** Whether a status is not final: the run is pending or running. */
export function isActive(status: RunStatus): boolean {
  return status === 'PENDING' || status === 'RUNNING';
}

/** Why a run's status cannot change so, or null when it can. The same status is always accepted. */
export function refuseTransition(from: RunStatus, to: RunStatus): Refusal | null {
  if (from === to) return null;
  if (!isActive(from)) return conflict(`The run has ended with ${from}, and cannot become ${to}.`);
  if (to === 'PENDING') return conflict(`A run's status moves forward only: ${from} cannot become ${to}.`);
  return null;
}

/** 1 for a run that is pending or running, else 0. */
export function activeCount(run: Pick<Run, 'status'> | null): number {
  return run !== null && isActive(run.status) ? 1 : 0;
}

/**
 * The status of a thread: BUSY while one of its runs is active, else derived from the run that ended last.
 * @param active how many of its runs are pending or running
 * @param last the run that ended last; undefined where none has ended
 */
export function threadStatus(active: number, last: Pick<Run, 'status'> | undefined): ThreadStatus {
  if (active > 0) return 'BUSY';
  switch (last?.status) {
    case 'ERROR':
    case 'TIMEOUT':
      return 'ERROR';
    case 'INTERRUPTED':
      return 'INTERRUPTED';
    default:
      return 'IDLE';
  }
}

function conflict(message: string): Refusal {
  return { code: 'CONFLICT', message, key: 'status' };
}
