import type { RunStatus, ThreadStatus } from '../../src/store/records.ts';

/** Where a run can go from each status, itself included. */
export const ALLOWED: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  PENDING: ['PENDING', 'RUNNING', 'SUCCESS', 'ERROR', 'TIMEOUT', 'INTERRUPTED', 'CANCELLED'],
  RUNNING: ['RUNNING', 'SUCCESS', 'ERROR', 'TIMEOUT', 'INTERRUPTED', 'CANCELLED'],
  SUCCESS: ['SUCCESS'],
  ERROR: ['ERROR'],
  TIMEOUT: ['TIMEOUT'],
  INTERRUPTED: ['INTERRUPTED'],
  CANCELLED: ['CANCELLED'],
};

/** The status of a thread whose only run has this one. */
export const THREAD_AFTER: Readonly<Record<RunStatus, ThreadStatus>> = {
  PENDING: 'BUSY',
  RUNNING: 'BUSY',
  SUCCESS: 'IDLE',
  ERROR: 'ERROR',
  TIMEOUT: 'ERROR',
  INTERRUPTED: 'INTERRUPTED',
  CANCELLED: 'IDLE',
};
