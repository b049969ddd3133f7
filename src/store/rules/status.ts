import type { Refusal } from '../outcome.ts';
import type { Run, RunStatus, ThreadStatus } from '../records.ts';

/** Whether a run with this status has still to end. */
export function isActive(status: RunStatus): boolean {
  return status === 'PENDING' || status === 'RUNNING';
}

/** Why a run cannot go from one status to another, or null when it can. Staying is always possible. */
export function refuseMove(from: RunStatus, to: RunStatus): Refusal | null {
  if (from === to) return null;
  if (!isActive(from)) return conflict(`The run has ended with ${from}, and cannot become ${to}.`);
  if (to === 'PENDING') return conflict(`A run's status moves forward only: ${from} cannot become ${to}.`);
  return null;
}

/** How many active runs a run is: 1 or 0. */
export function activeOnes(run: Pick<Run, 'status'> | null): number {
  return run !== null && isActive(run.status) ? 1 : 0;
}

/**
 * What a thread does, from its runs: busy while one is active, else as the run that ended last says.
 * @param active how many of its runs are pending or running
 * @param last its run that ended last, if any has
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
