import { z } from 'zod';
import { connected } from './admin.ts';
import { createMigratedDatabase } from './database.ts';

/** A database that one test has after the other. */
export interface RecycledDatabase {
  /** As {@link createMigratedDatabase} has it. */
  readonly url: string;
  /** Empties what was empty when the first test got it, and leaves it to another test. Nobody may use it any more. */
  release(): Promise<void>;
}

/** Those of this worker that no test has. To make one takes more than all that a test does with it. */
const free: RecycledDatabase[] = [];

/** A database that nobody else has, with all migrations and no records. */
export async function recycledDatabase(): Promise<RecycledDatabase> {
  const used = free.pop();
  if (used !== undefined) return used;
  const { url } = await createMigratedDatabase();
  const empty = await emptyTables(url);
  const database: RecycledDatabase = {
    url,
    async release() {
      await connected(url, (sql) => sql.unsafe(`TRUNCATE ${empty.join(', ')}`));
      free.push(database);
    },
  };
  return database;
}

async function emptyTables(url: string): Promise<readonly string[]> {
  return connected(url, async (sql) => {
    const tables = Tables.parse(
      // Partitions come and go, and are emptied with their table.
      await sql`SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE tableowner = current_user
        AND format('%I.%I', schemaname, tablename)::regclass NOT IN (SELECT inhrelid FROM pg_inherits)`,
    );
    const empty: string[] = [];
    for (const { name } of tables) {
      if ((await sql.unsafe(`SELECT FROM ${name} LIMIT 1`)).count === 0) empty.push(name);
    }
    return empty;
  });
}

const Tables = z.array(z.object({ name: z.string() }));
