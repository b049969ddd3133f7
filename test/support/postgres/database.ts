import { randomBytes } from 'node:crypto';
import type postgres from 'postgres';
import { inject } from 'vitest';
import { ask } from '../on-demand.ts';
import { connected } from './admin.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The version of the PostgreSQL that the tests of a project share. Default: any supported one. */
    readonly postgresVersion: 18;
  }
}

/** A database of a test's own. */
export interface TestDatabase {
  /** As a role that is neither a superuser nor the owner of the database: it may create schemas in it. */
  readonly url: string;
  /** The same database as an administrator of the server. */
  readonly adminUrl: string;
  /** Deletes the database, whoever is connected, and the role if it was made for it. */
  drop(): Promise<void>;
}

/** The server that all tests share, as a user who may create roles and databases. It is started when first asked for. */
export async function sharedPostgres({ askAt } = inject('shared')): Promise<string> {
  return ask(askAt, ofVersion('postgres'));
}

/** Creates an empty database with a role of its own. Default: on the shared server. */
export async function createDatabase(
  serverUrl?: string,
  { prefix }: { readonly prefix: string } = inject('shared'),
): Promise<TestDatabase> {
  const server = serverUrl ?? (await sharedPostgres());
  const name = newName(prefix);
  const password = randomBytes(16).toString('hex');
  await connected(server, async (sql) => {
    await sql.unsafe(
      `CREATE ROLE ${name} LOGIN PASSWORD '${password}' NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS`,
    );
    // Nobody is ever connected to template0, so several databases can be made at once.
    await create(sql, name, 'template0', name);
  });
  const adminUrl = withDatabase(server, name);
  const url = new URL(adminUrl);
  url.username = name;
  url.password = password;
  return {
    url: url.href,
    adminUrl,
    drop: () =>
      connected(server, async (sql) => {
        await sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
        await sql.unsafe(`DROP ROLE ${name}`);
      }),
  };
}

/** Creates a database with all migrations and no records, on the shared server. It shares its role with the others. */
export async function createMigratedDatabase(shared = inject('shared')): Promise<TestDatabase> {
  const [server, template] = await Promise.all([
    sharedPostgres(shared),
    ask(shared.askAt, ofVersion('template')),
  ]);
  const { username: role, pathname } = new URL(template);
  const name = newName(shared.prefix);
  await connected(server, (sql) => create(sql, name, pathname.slice(1), role));
  return {
    url: withDatabase(template, name),
    adminUrl: withDatabase(server, name),
    drop: () =>
      connected(server, async (sql) => void (await sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`))),
  };
}

/** The name of what is made once for each version. */
function ofVersion(name: 'postgres' | 'template'): string {
  const version: 18 | undefined = inject('postgresVersion');
  return version === undefined ? name : `${name}-${version}`;
}

function newName(prefix: string): string {
  return `${prefix}${randomBytes(8).toString('hex')}`;
}

/** Creates a database for one role alone, as a copy of another, which nobody may be connected to. */
async function create(sql: postgres.Sql, name: string, template: string, role: string): Promise<void> {
  await sql.unsafe(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  await sql.unsafe(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  await sql.unsafe(`GRANT CONNECT, CREATE ON DATABASE ${name} TO ${role}`);
}

function withDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}
