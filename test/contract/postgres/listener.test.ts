import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import type { Change } from '../../../src/store/change.ts';
import { asOwner, type Owner } from '../../../src/store/owner.ts';
import {
  openPostgresStores,
  type PostgresStoreOptions,
  type PostgresStores,
} from '../../../src/store/postgres/stores.ts';
import { StoreError } from '../../../src/store/store-error.ts';
import { eventually } from '../../support/eventually.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { type Proxy, startProxy } from '../../support/postgres/proxy.ts';
import { configFor } from '../../support/postgres/config.ts';

/** For what is not to happen during a test, in milliseconds. */
const NEVER = 3_600_000;
/** A listener that does nothing because of the time. */
const TIMELESS = { heartbeatInterval: NEVER, heartbeatTimeout: NEVER, reconnectDelay: 1 };
/** A listener that notices soon what a heartbeat shows. */
const FREQUENT = { heartbeatInterval: 50, reconnectDelay: 1 };
const ALICE = asOwner('alice');
const BOB = asOwner('bob');

/** What is to be done at the end, the latest first: tests that run at the same time have no end of their own. */
const endings: (() => unknown)[] = [];

afterAll(async () => {
  for (const end of endings.toReversed()) await end();
});

function atEnd(end: () => unknown): void {
  endings.push(end);
}

/** A database until the end of the tests. */
async function openDatabase(): Promise<TestDatabase> {
  const database = await createDatabase();
  atEnd(() => database.drop());
  return database;
}

async function openProxy(url: string): Promise<Proxy> {
  const proxy = await startProxy(url);
  atEnd(() => proxy.close());
  return proxy;
}

/** A server's stores, with what it was told. */
interface Server extends PostgresStores {
  readonly told: { readonly owner: Owner; readonly changes: readonly Change[] }[];
  /** How often it was told that it may have missed something. */
  readonly interrupts: () => number;
  /** What it logged. */
  readonly warned: readonly object[];
}

async function openServer(url: string, options: PostgresStoreOptions = {}): Promise<Server> {
  const told: { owner: Owner; changes: readonly Change[] }[] = [];
  const warned: object[] = [];
  let interrupts = 0;
  const stores = await openPostgresStores(configFor(url), {
    listenerTimes: TIMELESS,
    // A sweep connects too.
    sweepInterval: null,
    publish: (owner, changes) => void told.push({ owner, changes }),
    onMissedChanges: () => void interrupts++,
    log: { warn: (fields) => void warned.push(fields) },
    ...options,
  });
  atEnd(() => stores.close());
  return { ...stores, told, interrupts: () => interrupts, warned };
}

async function createThread({ forRequest }: PostgresStores, owner = ALICE): Promise<string> {
  const outcome = await forRequest().threads.create(owner, {});
  if ('refusals' in outcome) throw new TypeError('A thread was refused.');
  return outcome.value.id;
}

/** The ids of the threads that it was told of. */
function idsOf({ told }: Server): readonly string[] {
  return told.flatMap(({ changes }) => changes.map(({ before, after }) => (after ?? before)?.id ?? ''));
}

/** Ends the backends that listen. */
async function endListeners({ adminUrl }: TestDatabase): Promise<number> {
  return connected(adminUrl, async (sql) => {
    const ended = await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'LISTEN%'`;
    return ended.count;
  });
}

describe.concurrent('the listener', () => {
  it('should tell all servers of all changes, once and in their order', async () => {
    const { url } = await openDatabase();
    const servers = await Promise.all([openServer(url), openServer(url)]);
    const [first, second] = servers;
    const id = await createThread(first);
    const rounds = Array.from({ length: 20 }, (_, round) => round);
    // Each waits for the other's lock: whoever comes first, the order is that of the writes.
    await Promise.all(
      rounds.map(async (round) =>
        (round % 2 === 0 ? first : second).forRequest().threads.update(ALICE, id, { metadata: { round } }),
      ),
    );
    await Promise.all(servers.map((server) => server.drainNotifications()));
    for (const { told } of servers) {
      const changes = told.flatMap(({ changes: all }) => all);
      expect(changes).toHaveLength(21);
      for (const [index, { before }] of changes.entries()) {
        expect(before).toEqual(index === 0 ? null : changes[index - 1]?.after);
      }
    }
    expect(first.told).toEqual(second.told);
    expect(await first.forRequest().threads.get(ALICE, id)).toEqual(second.told.at(-1)?.changes[0]?.after);
    expect(servers.map(({ interrupts }) => interrupts())).toEqual([0, 0]);
  });

  it('should read nothing that nobody wants', async () => {
    const { url } = await openDatabase();
    const proxy = await openProxy(url);
    const wanted = new Set<Owner>();
    const server = await openServer(proxy.through(url), { hasSubscribers: (owner) => wanted.has(owner) });
    const reads = () => proxy.sent.split('SELECT id, changes FROM').length - 1;
    for (let i = 0; i < 20; i++) await createThread(server);
    await server.drainNotifications();
    expect(reads()).toBe(0);
    wanted.add(BOB);
    await createThread(server);
    await server.drainNotifications();
    expect(reads()).toBe(0);
    const id = await createThread(server, BOB);
    await server.drainNotifications();
    expect(reads()).toBe(1);
    expect(idsOf(server)).toEqual([id]);
  });

  it('should not take somebody who has just come for one who has missed something', async () => {
    const { url } = await openDatabase();
    let asked = 0;
    // Comes right after the first look whether anybody wants to know.
    const server = await openServer(url, { hasSubscribers: () => asked++ > 0 });
    await createThread(server);
    await server.drainNotifications();
    expect(server.told).toEqual([]);
    const id = await createThread(server);
    await server.drainNotifications();
    expect(idsOf(server)).toEqual([id]);
    expect(server.interrupts()).toBe(0);
  });

  it('should listen again when its connection was ended, and say so before and after', async () => {
    const database = await openDatabase();
    const server = await openServer(database.url);
    const other = await openServer(database.url);
    for (let round = 1; round <= 5; round++) {
      expect(await endListeners(database)).toBe(2);
      await eventually('it listens again', () => server.interrupts() === 2 * round);
      const id = await createThread(other);
      await server.drainNotifications();
      expect(idsOf(server)).toEqual([id]);
      server.told.length = 0;
      await eventually('the other one does too', () => other.interrupts() === 2 * round);
    }
  });

  it('should notice by itself that it hears nothing more', async () => {
    const { url } = await openDatabase();
    const proxy = await openProxy(url);
    const server = await openServer(proxy.through(url), {
      listenerTimes: { ...FREQUENT, heartbeatTimeout: 1_000 },
    });
    const other = await openServer(url);
    proxy.forsake();
    const missed = await createThread(other);
    await eventually('it notices', () => server.interrupts() >= 1);
    await eventually('it hears again', async () => {
      await createThread(other);
      return server.told.length > 0;
    });
    expect(idsOf(server)).not.toContain(missed);
    const reasons = [
      { reason: 'the connection does not answer' },
      { reason: 'the server did not listen until now' },
    ];
    // More often than once, where the machine is slow to answer.
    expect(server.warned).toEqual(server.warned.map((_, index) => reasons[index % 2]));
    expect(server.interrupts()).toBe(server.warned.length);
  });

  it('should not start where notifications do not arrive', async () => {
    const { url } = await openDatabase();
    const proxy = await openProxy(url);
    proxy.be('drop notifications');
    const listenerTimes = { ...TIMELESS, heartbeatTimeout: 1 };
    const error = await openServer(proxy.through(url), { listenerTimes }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ message: expect.stringMatching(/^DATABASE_URL .*session mode\.$/) });
  });

  it('should notice that notifications do not arrive any more, and not be ready until they do', async () => {
    const { url } = await openDatabase();
    const proxy = await openProxy(url);
    const server = await openServer(proxy.through(url), { listenerTimes: FREQUENT });
    const other = await openServer(url);
    expect(await server.isReady()).toBe(true);
    proxy.be('drop notifications');
    await eventually('it notices', () => server.interrupts() > 0);
    expect(await server.isReady()).toBe(false);
    // The database itself answers.
    await createThread(server);
    proxy.be('pass');
    await eventually('it is ready again', () => server.isReady());
    server.told.length = 0;
    const id = await createThread(other);
    await server.drainNotifications();
    expect(idsOf(server)).toEqual([id]);
  });

  it('should not take a busy pool for lost notifications', async () => {
    const database = await openDatabase();
    const server = await openServer(database.url, { listenerTimes: FREQUENT });
    const { threads } = server.forRequest();
    await connected(database.adminUrl, (sql) =>
      sql.begin(async (tx) => {
        await tx`LOCK TABLE agent_graphql.threads IN ACCESS EXCLUSIVE MODE`;
        const busy = Array.from({ length: 20 }, () => Promise.resolve(threads.create(ALICE, {})));
        const heartbeats = new Set<string>();
        await eventually('a few heartbeats have passed', async () => {
          // Within a transaction, what was once read of it stays as it was.
          await tx`SELECT pg_stat_clear_snapshot()`;
          const found = await tx`SELECT query_start::text AS start FROM pg_stat_activity
            WHERE datname = current_database() AND query = 'SELECT 1'`;
          for (const { start } of found) heartbeats.add(String(start));
          return heartbeats.size >= 3;
        });
        await tx`ROLLBACK`;
        await Promise.allSettled(busy);
      }),
    );
    expect(server.interrupts()).toBe(0);
    expect(await server.isReady()).toBe(true);
  });

  it('should pause before it connects again where it is hung up on', async () => {
    const { url } = await openDatabase();
    const proxy = await openProxy(url);
    const server = await openServer(proxy.through(url), {
      listenerTimes: { ...TIMELESS, reconnectDelay: NEVER },
    });
    const before = proxy.accepted;
    proxy.be('hang up');
    await eventually('it has tried', () => proxy.accepted > before);
    // Whoever does not pause tries again between these.
    for (let i = 0; i < 20; i++) await hungUpOn(proxy.through(url));
    expect(proxy.accepted).toBe(before + 1 + 20);
    expect(server.interrupts()).toBe(1);
  });

  it('should connect again when it is hung up on no more', async () => {
    const { url } = await openDatabase();
    const proxy = await openProxy(url);
    const server = await openServer(proxy.through(url));
    const before = proxy.accepted;
    proxy.be('hang up');
    await eventually('it has tried a few times', () => proxy.accepted >= before + 4);
    expect(server.interrupts()).toBe(1);
    proxy.be('pass');
    await eventually('it listens again', () => server.interrupts() === 2);
    const id = await createThread(server);
    await server.drainNotifications();
    expect(idsOf(server)).toEqual([id]);
  });
});

/** Connects, and waits for the other side to end that. */
async function hungUpOn(url: string): Promise<void> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.resume();
  await once(socket, 'close');
}
