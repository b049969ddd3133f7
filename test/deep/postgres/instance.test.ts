import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, sharedPostgres } from '../../support/postgres/database.ts';
import { setup } from '../../support/global-setup.ts';
import { type Postgres, type PostgresOptions, startPostgres } from '../../support/postgres/instance.ts';
import { userOfPostgres } from '../../support/postgres/user.ts';

async function start(options?: PostgresOptions): Promise<Postgres> {
  const postgres = await startPostgres(options);
  onTestFinished(() => postgres.stop());
  return postgres;
}

/** The one value that a query answers. */
async function valueOf(url: string, query: string): Promise<unknown> {
  const [row] = await connected(url, (sql) => sql.unsafe(query).values());
  return row?.[0];
}

const countOf = (kind: 'database' | 'role', prefix: string) =>
  kind === 'database'
    ? `SELECT count(*)::int FROM pg_database WHERE starts_with(datname, '${prefix}')`
    : `SELECT count(*)::int FROM pg_roles WHERE starts_with(rolname, '${prefix}')`;

describe('a PostgreSQL of its own', () => {
  it.each(['anywhere', 'embedded'] as const)('should run from %s, and leave nothing behind', async (from) => {
    const postgres = await startPostgres({ from });
    const data = String(await valueOf(postgres.url, 'SHOW data_directory'));
    expect(Number(await valueOf(postgres.url, 'SHOW server_version_num'))).toBeGreaterThanOrEqual(150_000);
    expect(existsSync(data)).toBe(true);
    await postgres.stop();
    expect(existsSync(data)).toBe(false);
    await expect(valueOf(postgres.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('should keep what was committed when it is killed, or shut down', async () => {
    const postgres = await start({ durable: true });
    expect(await valueOf(postgres.url, 'SHOW fsync')).toBe('on');
    await connected(postgres.url, (sql) => sql.unsafe('CREATE TABLE kept AS SELECT 1 AS value'));
    await postgres.kill();
    await expect(valueOf(postgres.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await postgres.restart();
    expect(await valueOf(postgres.url, 'SELECT value FROM kept')).toBe(1);
    await postgres.restart();
    expect(await valueOf(postgres.url, 'SELECT value FROM kept')).toBe(1);
  });

  it('should answer nobody while it is paused', async () => {
    const postgres = await start();
    await connected(postgres.url, async (sql) => {
      await sql`SELECT 1`;
      postgres.pause();
      const order: string[] = [];
      const asked = sql`SELECT 1`.then(() => order.push('answered'));
      // Another one answers meanwhile.
      await valueOf(await sharedPostgres(), 'SELECT 1');
      order.push('resumed');
      postgres.resume();
      await asked;
      expect(order).toEqual(['resumed', 'answered']);
    });
  });

  it('should be stopped while it is paused, or when it was killed', async () => {
    const [paused, killed] = await Promise.all([startPostgres(), startPostgres()]);
    paused.pause();
    await killed.kill();
    await Promise.all([paused.stop(), killed.stop()]);
    await expect(valueOf(paused.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('should not be run by root', () => {
    const { uid = process.getuid?.() } = userOfPostgres();
    expect(uid).toBeGreaterThan(0);
  });
});

describe('a database for a test', () => {
  it('should be for a role that may make schemas in it, and nothing else', async () => {
    const database = await createDatabase();
    const role = `SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user`;
    expect(await valueOf(database.url, role)).toBe(false);
    expect(await valueOf(database.adminUrl, role)).toBe(true);
    await connected(database.url, (sql) => sql.unsafe('CREATE SCHEMA mine CREATE TABLE things (id int)'));
    await expect(valueOf(database.url, 'CREATE TABLE public.things (id int)')).rejects.toThrow('permission');
    const other = await createDatabase();
    const elsewhere = new URL(database.url);
    elsewhere.pathname = new URL(other.url).pathname;
    await expect(valueOf(elsewhere.href, 'SELECT 1')).rejects.toThrow('permission');
    await Promise.all([database.drop(), other.drop()]);
    await expect(valueOf(database.url, 'SELECT 1')).rejects.toThrow('authentication');
  });

  it('should be dropped though somebody is connected', async () => {
    const database = await createDatabase();
    const dropped = connected(database.url, async (sql) => {
      await sql`SELECT 1`;
      await database.drop();
      return 'dropped';
    });
    expect(await dropped).toBe('dropped');
  });
});

describe('the server of TEST_DATABASE_URL', () => {
  it('should be the one that is shared, and be left as it was', async () => {
    const postgres = await start();
    // One who may create roles and databases, and no more.
    await connected(postgres.url, (sql) =>
      sql.unsafe(`CREATE ROLE limited LOGIN PASSWORD 'limited' CREATEDB CREATEROLE`),
    );
    const url = new URL(postgres.url);
    url.username = url.password = 'limited';
    vi.stubEnv('TEST_DATABASE_URL', url.href);
    onTestFinished(() => void vi.unstubAllEnvs());
    let provided = { askAt: '', prefix: '' };
    const teardown = await setup({ provide: (_, value) => (provided = value) });
    expect(await sharedPostgres(provided)).toBe(url.href);
    const database = await createDatabase(url.href, provided);
    expect(await valueOf(database.url, 'SELECT 1')).toBe(1);
    expect(await valueOf(url.href, countOf('database', provided.prefix))).toBe(1);
    await teardown();
    expect(await valueOf(postgres.url, countOf('database', provided.prefix))).toBe(0);
    expect(await valueOf(postgres.url, countOf('role', provided.prefix))).toBe(0);
  });
});
