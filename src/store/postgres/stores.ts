import type { DatabaseConfig } from '../../config.ts';
import type { StoreOptions } from '../memory/stores.ts';
import type { Owner } from '../owner.ts';
import { createCursors, type Cursors } from '../rules/cursor.ts';
import { StoreError } from '../store-error.ts';
import type { OpenedStores, Stores } from '../stores.ts';
import { createAssistants } from './queries/assistants.ts';
import { forgetOldChanges } from './notifications/changes.ts';
import { isDatabaseError } from './client/errors.ts';
import { listen } from './notifications/listener.ts';
import { cursorKey, migrate } from './migrations/migrate.ts';
import { createPool, type Transaction } from './client/pool.ts';
import { createRuns } from './queries/runs.ts';
import { type Database, inTime, Reader } from './client/session.ts';
import { createThreads } from './queries/threads.ts';

/** How often old changes are deleted, in milliseconds. */
const TIDY_EVERY = 60_000;
/** How long a check of readiness may take, in milliseconds. */
const READY_TIME = 1_000;

/** What the stores of the three resources are made of. */
export interface Parts {
  readonly database: Database;
  readonly reader: Reader;
  readonly cursors: Cursors;
  /** The time, in milliseconds since 1970. */
  readonly now: () => number;
}

/** What the stores need from outside. */
export interface PostgresOptions extends StoreOptions {
  /** Whether anybody here wants to know of an owner's changes; everybody unless told. */
  readonly wants?: (owner: Owner) => boolean;
  /** Told when changes may have been missed. */
  readonly interrupt?: () => void;
  readonly log?: { warn(fields: object, message: string): void };
}

/** Stores in PostgreSQL. */
export interface PostgresStores extends OpenedStores {
  /** Resolves once all that was stored before this call, by any server, is published here. */
  catchUp(): Promise<void>;
}

/**
 * Opens the stores in a database, which is brought up to date first. Changes are published soon after a mutation has
 * answered, those of other servers too.
 * @throws StoreError when the database cannot be used
 */
export async function openPostgresStores(
  config: DatabaseConfig,
  {
    publish = () => {},
    now = Date.now,
    wants = () => true,
    interrupt = () => {},
    log = { warn: () => {} },
  }: PostgresOptions = {},
): Promise<PostgresStores> {
  const pool = createPool(config);
  const database: Database = { pool, statementTimeout: config.statementTimeout };
  try {
    await migrate(pool);
    const { key, bypasses } = await pool.transaction('BEGIN', new AbortController().signal, async (tx) => ({
      key: await cursorKey(tx),
      bypasses: await bypassesPolicies(tx),
    }));
    if (bypasses) {
      log.warn(
        {},
        'row-level security does not apply to the role of DATABASE_URL: give the server one of its own',
      );
    }
    const cursors = createCursors(key);
    const listener = await listen(config, database, {
      publish,
      wants,
      interrupt(reason) {
        log.warn({ reason }, 'changes may have been missed: subscriptions end');
        interrupt();
      },
    });
    const timer = setInterval(() => {
      // The next time will do as well.
      forgetOldChanges(database).catch(() => {});
    }, TIDY_EVERY).unref();

    function forRequest(): Stores {
      const parts = { database, reader: new Reader(database), cursors, now };
      return { assistants: createAssistants(parts), threads: createThreads(parts), runs: createRuns(parts) };
    }

    return {
      forRequest,
      isReady: () => canBeWritten(database),
      held: null,
      catchUp: () => listener.catchUp(),
      async close() {
        clearInterval(timer);
        await listener.close();
        await pool.close();
      },
    };
  } catch (error) {
    await pool.close();
    throw openError(error);
  }
}

/** Whether it answers, and is no standby, which would take no mutations. */
async function canBeWritten({ pool }: Database): Promise<boolean> {
  try {
    const [row] = await inTime({ statementTimeout: READY_TIME }, (signal) =>
      pool.transaction('BEGIN', signal, ({ sql, run }) =>
        run(
          sql<{ writable: boolean }[]>`SELECT current_setting('transaction_read_only') = 'off' AS writable`,
        ),
      ),
    );
    return row?.writable ?? false;
  } catch {
    return false;
  }
}

async function bypassesPolicies({ sql, run }: Transaction): Promise<boolean> {
  const [role] = await run(sql<{ bypasses: boolean }[]>`SELECT rolsuper OR rolbypassrls AS bypasses
    FROM pg_roles WHERE rolname = current_user`);
  return role?.bypasses ?? false;
}

/** What to tell whoever started the server: nothing of the URL, which may hold a password. */
export function openError(error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error)) return error;
  const reason = error.message.replaceAll(/\s+/g, ' ').trim();
  return isDatabaseError(error)
    ? new StoreError(`DATABASE_URL names a database that cannot be used: ${reason}`, { cause: error })
    : error;
}
