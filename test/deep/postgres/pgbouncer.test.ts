import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Change } from '../../../src/store/change.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { createPool } from '../../../src/store/postgres/client/pool.ts';
import {
  openPostgresStores,
  type PostgresStoreOptions,
  type PostgresStores,
} from '../../../src/store/postgres/stores.ts';
import { testChanges } from '../../contract/cases/changes.ts';
import { testClaims } from '../../contract/cases/claims.ts';
import { testIdempotency } from '../../contract/cases/idempotency.ts';
import { testOwners } from '../../contract/cases/owners.ts';
import { testRecords } from '../../contract/cases/records.ts';
import { testRunEvents } from '../../contract/cases/run-events.ts';
import { testRuns } from '../../contract/cases/runs.ts';
import {
  expectAllWorks,
  HOSTILE_SCHEMA,
  HOSTILE_SETTINGS,
  setRole,
} from '../../contract/postgres/hostile-settings.ts';
import { type OnBench, valueOf, withBench } from '../../support/bench.ts';
import { findDebianProgram } from '../../support/debian-programs.ts';
import { eventually } from '../../support/eventually.ts';
import { connected } from '../../support/postgres/admin.ts';
import { postgresStores } from '../../support/postgres/bench.ts';
import { makeCertificates } from '../../support/postgres/certificates.ts';
import { configFor } from '../../support/postgres/config.ts';
import {
  createDatabase,
  createMigratedDatabase,
  type TestDatabase,
} from '../../support/postgres/database.ts';
import { type PgBouncer, startPgBouncer } from '../../support/postgres/pgbouncer.ts';
import { userOfPostgres } from '../../support/postgres/user.ts';

const ALICE = asOwner('alice');
const found = await findDebianProgram('pgbouncer');
const program = 'path' in found ? found.path : null;

/** Starts a PgBouncer in front of a database until the end of the test. */
async function openBouncer(
  { url, adminUrl }: TestDatabase,
  settings: Readonly<Record<string, string>> = {},
): Promise<PgBouncer> {
  if (program === null) throw new TypeError('There is no PgBouncer.');
  const bouncer = await startPgBouncer(program, [url, adminUrl], settings);
  onTestFinished(() => bouncer.stop());
  return bouncer;
}

async function openDatabase(): Promise<TestDatabase> {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  return database;
}

interface Server extends PostgresStores {
  /** The changes that it has published. */
  readonly told: readonly Change[];
  /** How often it reported that changes may have been missed. */
  missed(): number;
}

async function openServer(url: string, options: PostgresStoreOptions = {}): Promise<Server> {
  const told: Change[] = [];
  let missed = 0;
  const stores = await openPostgresStores(configFor(url), {
    publish: (_, changes) => void told.push(...changes),
    onMissedChanges: () => void missed++,
    ...options,
  });
  onTestFinished(() => stores.close());
  return { ...stores, told, missed: () => missed };
}

async function createThread({ forRequest }: PostgresStores): Promise<string> {
  return valueOf(await forRequest().threads.create(ALICE, {})).id;
}

/** Lets one server store something. @returns its ids, and those that each server has published */
async function announce(one: Server, other: Server) {
  const before = [one.told.length, other.told.length];
  const stored: string[] = [];
  for (let i = 0; i < 10; i++) stored.push(await createThread(one));
  const told: (readonly (string | undefined)[])[] = [];
  for (const [index, server] of [one, other].entries()) {
    await server.drainNotifications();
    told.push(server.told.slice(before[index]).map(({ after }) => after?.id));
  }
  return { stored, told };
}

describe.skipIf(program === null)(`PgBouncer${'missing' in found ? ` (${found.missing})` : ''}`, () => {
  describe('with its defaults', () => {
    let bouncer: PgBouncer | undefined;

    beforeAll(async () => {
      // The role of all migrated databases.
      const database = await createMigratedDatabase();
      bouncer = await startPgBouncer(program ?? '', [database.url]);
      await database.drop();
    });

    afterAll(() => bouncer?.stop());

    const open = postgresStores({ through: (url) => bouncer?.through(url) ?? url });
    const onBench: OnBench = (test) => withBench(open, test);

    testOwners(onBench);
    testRecords(onBench);
    testRuns(onBench);
    testChanges(onBench);
    testClaims(onBench);
    testIdempotency(onBench);
    testRunEvents(onBench);
  });

  it('should pass notifications on to each server', async () => {
    const database = await openDatabase();
    const url = (await openBouncer(database)).through(database.url);
    const servers = [await openServer(url), await openServer(url)] as const;
    const { stored, told } = await announce(...servers);
    expect(told).toEqual([stored, stored]);
    expect(servers.map(({ missed }) => missed())).toEqual([0, 0]);
  });

  it('should be connected to again when PostgreSQL has ended its connections', async () => {
    const database = await openDatabase();
    const url = (await openBouncer(database)).through(database.url);
    const servers = [await openServer(url), await openServer(url)] as const;
    await connected(
      database.adminUrl,
      (sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'`,
    );
    for (const server of servers) await eventually('it listens again', () => server.missed() === 2);
    const { stored, told } = await announce(...servers);
    expect(told).toEqual([stored, stored]);
  });

  it('should be connected to again when it was restarted', async () => {
    const database = await openDatabase();
    const bouncer = await openBouncer(database);
    const url = bouncer.through(database.url);
    const servers = [await openServer(url), await openServer(url)] as const;
    await bouncer.restart();
    for (const server of servers) {
      await eventually('it listens again', () => server.missed() >= 2);
      await eventually('it is ready', () => server.isReady());
    }
    const { stored, told } = await announce(...servers);
    expect(told).toEqual([stored, stored]);
  });

  it.each([
    ['the role', {}],
    ['the role, and of whoever had the connection before', { server_reset_query: '' }],
  ])('should change nothing by settings of %s', async (_, settings) => {
    const database = await openDatabase();
    await connected(database.adminUrl, (sql) => sql.unsafe(HOSTILE_SCHEMA));
    const url = (await openBouncer(database, settings)).through(database.url);
    await setRole(database, HOSTILE_SETTINGS);
    // Leaves a connection to the next one, with what it has set.
    const left = await connected(url, async (sql) => {
      await sql.unsafe(
        `SET bytea_output = 'escape'; SET timezone = 'Asia/Kathmandu'; SET search_path = hostile`,
      );
      const [row] = await sql`SELECT pg_catalog.pg_backend_pid() AS pid`.values();
      return row?.[0];
    });
    const pool = createPool(configFor(url, { poolSize: 1 }));
    onTestFinished(() => pool.close());
    const [session] = await pool.transaction('BEGIN', new AbortController().signal, ({ sql, run }) =>
      run(sql`SELECT pg_backend_pid() AS pid, current_setting('bytea_output') AS bytes,
          current_setting('timezone') AS zone, current_setting('search_path') AS path`),
    );
    expect(session).toEqual({ pid: left, bytes: 'hex', zone: 'UTC', path: 'pg_catalog, pg_temp' });
    await expectAllWorks(database, url);
  });

  it('should serve a server with fewer connections than it asks for, and refuse another one', async () => {
    const database = await openDatabase();
    const url = (await openBouncer(database, { default_pool_size: '3' })).through(database.url);
    const { forRequest } = await openServer(url);
    const outcomes = Array.from({ length: 40 }, async () => forRequest().threads.create(ALICE, {}));
    expect((await Promise.all(outcomes)).map(valueOf)).toHaveLength(40);
    // All three are kept by the first, idle or not.
    const second = openPostgresStores(configFor(url, { connectTimeout: 1_000 }));
    await expect(second).rejects.toThrow(/^DATABASE_URL .*no connection within 1000 ms$/);
  });

  it('should refuse options for the server process', async () => {
    const database = await openDatabase();
    const url = (await openBouncer(database)).through(database.url);
    await expect(openServer(`${url}?options=-c%20geqo%3Doff`)).rejects.toThrow(/startup parameter.*options/);
  });

  it('should be in session mode, or no server starts', async () => {
    const database = await openDatabase();
    const bouncer = await openBouncer(database, { pool_mode: 'transaction' });
    await expect(openServer(bouncer.through(database.url))).rejects.toThrow(/must be in session mode\.$/);
  });

  it('should be reached by TLS, where its certificate names it', async () => {
    const certificates = await makeCertificates(['IP:127.0.0.1'], 'nobody', 'a passphrase');
    onTestFinished(() => certificates.remove());
    await certificates.giveServerKeyTo(userOfPostgres());
    const database = await openDatabase();
    const bouncer = await openBouncer(database, {
      client_tls_sslmode: 'require',
      client_tls_cert_file: certificates.file('server.pem'),
      client_tls_key_file: certificates.file('server.key'),
    });
    const url = new URL(bouncer.through(database.url));
    const root = encodeURIComponent(certificates.file('ca.pem'));
    url.search = `?sslmode=verify-full&sslrootcert=${root}`;
    const server = await openServer(url.href);
    const { stored, told } = await announce(server, await openServer(url.href));
    expect(told).toEqual([stored, stored]);
    await expect(openServer(bouncer.through(`${database.url}?sslmode=disable`))).rejects.toThrow(
      'SSL required',
    );
    url.search = `?sslmode=verify-full&sslrootcert=${root}&hostaddr=127.0.0.1`;
    url.hostname = 'db.example.com';
    await expect(openServer(url.href)).rejects.toThrow('does not match');
  });
});
