import postgres from 'postgres';
import { errorMessage } from '../../../lib/error-message.ts';
import { StoreError } from '../../store-error.ts';
import { StoreUnavailable } from '../../unavailable.ts';

/**
 * Classes of SQLSTATE after which a retry may succeed: connection exceptions, transaction rollback (serialization,
 * deadlock), insufficient resources, operator intervention (a statement timeout among them), system errors.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const TRANSIENT_CLASSES = new Set(['08', '40', '53', '57', '58']);
/** `read_only_sql_transaction`: after a failover, the server may be a standby for a while. */
const READ_ONLY_TRANSACTION = '25006';
/** `idle_in_transaction_session_timeout`: PostgreSQL has ended the connection. */
const IDLE_IN_TRANSACTION_TIMEOUT = '25P03';
/** `in_failed_sql_transaction`: an earlier statement of the same transaction failed. */
const FAILED_TRANSACTION = '25P02';
const TRANSIENT_CODES = new Set([READ_ONLY_TRANSACTION, IDLE_IN_TRANSACTION_TIMEOUT, FAILED_TRANSACTION]);

/** The error as the caller of a store sees it: `StoreUnavailable` where a retry may succeed, else unchanged. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return isTransient(error) ? unavailable(error) : error;
}

/** The error of a call that PostgreSQL did not complete, or not in time. */
export function unavailable(cause: unknown): StoreUnavailable {
  return new StoreUnavailable('The database does not answer: try again.', { cause });
}

/**
 * The error as it is shown at the start: a `StoreError` for every error of the database. It never has the URL, which
 * may hold a password.
 */
export function openError(error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error)) return error;
  const isUnavailable = error instanceof StoreUnavailable;
  if (!isUnavailable && !isDatabaseError(error)) return error;
  const reason = errorMessage(isUnavailable ? error.cause : error)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return new StoreError(`DATABASE_URL names a database that cannot be used: ${reason}`, { cause: error });
}

function isTransient(error: Error): boolean {
  if (error instanceof postgres.PostgresError) {
    const { code } = error;
    return TRANSIENT_CLASSES.has(code.slice(0, 2)) || TRANSIENT_CODES.has(code);
  }
  return isConnectionError(error);
}

/** Whether an error comes from the database, or from the connection to it. */
function isDatabaseError(error: Error): boolean {
  return error instanceof postgres.PostgresError || isConnectionError(error);
}

/** Errors of postgres.js, such as CONNECTION_CLOSED, and of the system, such as ECONNREFUSED. */
function isConnectionError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && /^(CONNECT|E(?!RR_)[A-Z])/.test(error.code);
}
