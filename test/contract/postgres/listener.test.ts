import { afterAll, describe, expect, it } from 'vitest';
import type { Change } from '../../../src/store/change.ts';
import { asOwner, type Owner } from '../../../src/store/owner.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import { eventually } from '../../support/eventually.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { type Proxy, startProxy } from '../../support/postgres/proxy.ts';

const CONFIG = { poolSize: 4, statementTimeout: 5_000, connectTimeout: 2_000 };
const ALICE = asOwner('alice');
const BOB = asOwner('bob');

/** What is to be done at the end, the latest first: tests that run at the same time have no end of their own. */
const endings: (() => unknown)[] = [];

afterAll(async () => {
  for (const end of endings.toReversed()) await end();
}, 60_000);

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
}

async function openServer(url: string, wants: (owner: Owner) => boolean = () => true): Promise<Server> {
  const told: { owner: Owner; changes: readonly Change[] }[] = [];
  let interrupts = 0;
  const stores = await openPostgresStores(
    { ...CONFIG, url },
    {
      wants,
      publish: (owner, changes) => void told.push({ owner, changes }),
      interrupt: () => void interrupts++,
    },
  );
  atEnd(() => stores.close());
  return { ...stores, told, interrupts: () => interrupts };
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

describe.concurrent('the listener', { timeout: 40_000 }, () => {
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
    await Promise.all(servers.map((server) => server.catchUp()));
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
    const server = await openServer(proxy.through(url), (owner) => wanted.has(owner));
    const reads = () => proxy.sent.split('SELECT id, changes FROM').length - 1;
    for (let i = 0; i < 20; i++) await createThread(server);
    await server.catchUp();
    expect(reads()).toBe(0);
    wanted.add(BOB);
    await createThread(server);
    await server.catchUp();
    expect(reads()).toBe(0);
    const id = await createThread(server, BOB);
    await server.catchUp();
    expect(reads()).toBe(1);
    expect(idsOf(server)).toEqual([id]);
  });

  it('should not take somebody who has just come for one who has missed something', async () => {
    const { url } = await openDatabase();
    let asked = 0;
    // Comes right after the first look whether anybody wants to know.
    const server = await openServer(url, () => asked++ > 0);
    await createThread(server);
    await server.catchUp();
    expect(server.told).toEqual([]);
    const id = await createThread(server);
    await server.catchUp();
    expect(idsOf(server)).toEqual([id]);
    expect(server.interrupts()).toBe(0);
  });

  it('should listen again when its connection was ended, and say so before and after', async () => {
    const database = await openDatabase();
    const server = await openServer(database.url);
    const other = await openServer(database.url);
    for (let round = 1; round <= 5; round++) {
      expect(await endListeners(database)).toBe(2);
      const took = await eventually('it listens again', () => server.interrupts() === 2 * round);
      expect(took).toBeLessThan(2_000);
      const id = await createThread(other);
      await server.catchUp();
      expect(idsOf(server)).toEqual([id]);
      server.told.length = 0;
      await eventually('the other one does too', () => other.interrupts() === 2 * round);
    }
  });

  it('should notice within seconds that it hears nothing more', async () => {
    const { url } = await openDatabase();
    const proxy = await openProxy(url);
    const server = await openServer(proxy.through(url));
    const other = await openServer(url);
    proxy.forsake();
    const missed = await createThread(other);
    const took = await eventually('it notices', () => server.interrupts() >= 1, 20_000);
    expect(took).toBeLessThan(11_000);
    await eventually('it listens again', () => server.interrupts() === 2);
    const id = await createThread(other);
    // The pool's connections were forsaken as well, and nobody has used them.
    await server.catchUp();
    expect(idsOf(server)).toEqual([id]);
    expect(idsOf(server)).not.toContain(missed);
  });

  it('should not connect without a pause where it is hung up on', async () => {
    const { url } = await openDatabase();
    const proxy = await openProxy(url);
    const server = await openServer(proxy.through(url));
    const before = proxy.accepted;
    proxy.be('hang up');
    await eventually('it has tried a few times', () => proxy.accepted >= before + 4);
    const start = performance.now();
    const from = proxy.accepted;
    await eventually('it has tried again', () => proxy.accepted >= from + 4);
    // Four pauses and a little less, since the first was under way.
    expect(performance.now() - start).toBeGreaterThan(600);
    proxy.be('pass');
    await eventually('it listens again', () => server.interrupts() === 2);
    const id = await createThread(server);
    await server.catchUp();
    expect(idsOf(server)).toEqual([id]);
  });
});
