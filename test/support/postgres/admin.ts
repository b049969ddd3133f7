import postgres from 'postgres';
import { z } from 'zod';

/** Does something over a connection of its own. */
export async function connected<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** Deletes the databases and the roles whose names start with a prefix. */
export async function dropAll(server: string, prefix: string): Promise<void> {
  await connected(server, async (sql) => {
    const databases =
      await sql`SELECT datname AS name FROM pg_database WHERE starts_with(datname, ${prefix})`;
    for (const { name } of Names.parse(databases)) await sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
    const roles = await sql`SELECT rolname AS name FROM pg_roles WHERE starts_with(rolname, ${prefix})`;
    for (const { name } of Names.parse(roles)) await sql.unsafe(`DROP ROLE ${name}`);
  });
}

const Names = z.array(z.object({ name: z.string().regex(/^\w+$/) }));
