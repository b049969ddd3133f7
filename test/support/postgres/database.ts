import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { connected } from './admin.ts';

/** A database of a test's own. */
export interface TestDatabase {
  /** As a new role, which is neither a superuser nor the owner of the database: it may create schemas in it. */
  readonly url: string;
  /** The same database as an administrator of the server. */
  readonly adminUrl: string;
  /** Deletes the database, whoever is connected, and the role. */
  drop(): Promise<void>;
}

/** The server that all tests share, as a user who may create roles and databases. It is started when first asked for. */
export async function sharedPostgres({ askAt } = inject('postgres')): Promise<string> {
  const response = await fetch(askAt, { headers: { connection: 'close' } });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

/** Creates an empty database with a role for it, on the shared server unless told. */
export async function createDatabase(
  serverUrl?: string,
  { prefix }: { readonly prefix: string } = inject('postgres'),
): Promise<TestDatabase> {
  const server = serverUrl ?? (await sharedPostgres());
  const name = `${prefix}${randomBytes(8).toString('hex')}`;
  const password = randomBytes(16).toString('hex');
  await connected(server, async (sql) => {
    await sql.unsafe(
      `CREATE ROLE ${name} LOGIN PASSWORD '${password}' NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS`,
    );
    // Nobody is ever connected to template0, so several databases can be made at once.
    await sql.unsafe(`CREATE DATABASE ${name} TEMPLATE template0`);
    await sql.unsafe(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
    await sql.unsafe(`GRANT CONNECT, CREATE ON DATABASE ${name} TO ${name}`);
  });
  const adminUrl = new URL(server);
  adminUrl.pathname = `/${name}`;
  const url = new URL(adminUrl);
  url.username = name;
  url.password = password;
  return {
    url: url.href,
    adminUrl: adminUrl.href,
    drop: () =>
      connected(server, async (sql) => {
        await sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
        await sql.unsafe(`DROP ROLE ${name}`);
      }),
  };
}
