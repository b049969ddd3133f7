import type { Database } from './database.ts';
import type { Transaction } from './pool.ts';
import { withTimeout } from './timeout.ts';

/** The time limit of a readiness check, in milliseconds. */
const READINESS_TIMEOUT = 1_000;

/** Whether the database answers within about a second, and is no standby, which would refuse mutations. */
export async function acceptsWrites({ pool }: Pick<Database, 'pool'>): Promise<boolean> {
  try {
    const [row] = await withTimeout({ statementTimeout: READINESS_TIMEOUT }, (signal) =>
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

/** Whether row-level security does not apply to the role of the connection. */
export async function bypassesRowSecurity({ sql, run }: Transaction): Promise<boolean> {
  const [role] = await run(sql<{ bypasses: boolean }[]>`SELECT rolsuper OR rolbypassrls AS bypasses
    FROM pg_roles WHERE rolname = current_user`);
  return role?.bypasses ?? false;
}
