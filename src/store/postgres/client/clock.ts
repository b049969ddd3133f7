import type { Transaction } from './pool.ts';

/** Reads the current time, in milliseconds since 1970, within a transaction. */
export type Clock = (tx: Transaction) => Promise<number>;

/** The clock of the database, by which leases, timeouts and delays are measured. */
export async function databaseClock({ sql, run }: Transaction): Promise<number> {
  const [row] = await run(
    sql<{ now: number }[]>`SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`,
  );
  if (row === undefined) throw new TypeError('A statement without conditions returned no row.');
  return row.now;
}
