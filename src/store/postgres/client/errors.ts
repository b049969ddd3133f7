import postgres from 'postgres';
import { StoreUnavailable } from '../../unavailable.ts';

/**
 * Classes of SQLSTATE that pass: connection exceptions, rollbacks by conflict, insufficient resources, intervention by
 * an operator (a statement timeout among them), errors of the system.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const PASSING = new Set(['08', '40', '53', '57', '58']);
/** A transaction that only reads: after a failover, the server may be a standby for a while. */
const READ_ONLY = '25006';
/** What went before it in the same transaction failed. */
const ABORTED = '25P02';

/** The error as its caller should see it: `StoreUnavailable` where the same call may succeed later. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return isPassing(error) ? unavailable(error) : error;
}

/** The error of a call that PostgreSQL did not do, or did not do in time. */
export function unavailable(cause: unknown): StoreUnavailable {
  return new StoreUnavailable('The database does not answer: try again.', { cause });
}

function isPassing(error: Error): boolean {
  if (error instanceof postgres.PostgresError) {
    return PASSING.has(error.code.slice(0, 2)) || error.code === READ_ONLY || error.code === ABORTED;
  }
  return isOfConnection(error);
}

/** Whether an error comes from the database, or from the way to it. */
export function isDatabaseError(error: Error): boolean {
  return error instanceof postgres.PostgresError || isOfConnection(error);
}

/** postgres.js's own, such as CONNECTION_CLOSED, and the system's, such as ECONNREFUSED. */
function isOfConnection(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && /^(CONNECT|E(?!RR_)[A-Z])/.test(error.code);
}
