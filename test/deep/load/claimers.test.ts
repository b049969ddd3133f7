import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { openPostgresStores } from '../../../src/store/postgres/stores.ts';
import type { OpenedStores } from '../../../src/store/stores.ts';
import { valueOf } from '../../support/bench.ts';
import { makeAssistant, makeThread } from '../../support/records.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createMigratedDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { claim, finish } from '../../support/worker.ts';

const OWNERS = ['alice', 'bob', 'carol', 'dave', 'erin'].map(owner);
const GRAPHS = ['one', 'two'];
/** Threads of an owner. */
const THREADS = 80;
/** Runs of a thread. */
const RUNS = 5;
const CLAIMERS = 50;

let database: TestDatabase;
let servers: readonly OpenedStores[] = [];

beforeAll(async () => {
  database = await createMigratedDatabase();
  const open = () => openPostgresStores(configFor(database.url, { poolSize: 10 }), {});
  servers = [await open(), await open()];
});

afterAll(async () => {
  for (const { close } of servers) await close();
  await database.drop();
});

/** The stores of one of the two, as one request sees them. */
function storesOf(index: number) {
  const server = servers[index % servers.length];
  if (server === undefined) throw new TypeError('There are no servers.');
  return server.forRequest();
}

/** Creates the runs of all owners. @returns the ids of each thread's, in order */
async function createRuns(): Promise<readonly (readonly string[])[]> {
  const threads = OWNERS.flatMap((of, index) =>
    Array.from({ length: THREADS }, async (_, thread) => {
      const stores = storesOf(index + thread);
      const graphId = GRAPHS[thread % GRAPHS.length] ?? '';
      const { id: assistantId } = await makeAssistant(stores, of, { graphId });
      const { id: threadId } = await makeThread(stores, of);
      const ids: string[] = [];
      for (let i = 0; i < RUNS; i++) {
        ids.push(valueOf(await stores.runs.create(of, { threadId, assistantId })).id);
      }
      return ids;
    }),
  );
  return Promise.all(threads);
}

describe('fifty workers that claim at once, at two servers of one PostgreSQL', () => {
  it("should each be given runs that nobody else is given, a thread's in order", async () => {
    const threads = await createRuns();
    const count = threads.flat().length;
    expect(count).toBe(2_000);
    const given: string[] = [];
    /** Of which owner each claim's runs were. */
    const owners = new Set<string>();

    async function work(index: number): Promise<void> {
      const worker = owner(`worker ${index}`);
      while (given.length < count) {
        const max = 1 + (index % 10);
        const claims = await claim(storesOf(index), worker, { allOwners: true, graphIds: GRAPHS, max });
        given.push(...claims.map(({ run }) => run.id));
        for (const { owner: of, run, assistant } of claims) {
          owners.add(of);
          expect({ attempt: run.attempt, status: run.status }).toEqual({ attempt: 1, status: 'RUNNING' });
          expect(GRAPHS).toContain(assistant.graphId);
        }
        for (const { lease } of claims) {
          expect(await finish(storesOf(index + 1), worker, lease)).toEqual({
            accepted: true,
            status: 'SUCCESS',
          });
        }
      }
    }

    await Promise.all(Array.from({ length: CLAIMERS }, (_, index) => work(index)));
    expect(given).toHaveLength(count);
    expect(new Set(given).size).toBe(count);
    expect(owners.size).toBe(OWNERS.length);
    const place = new Map(given.map((id, index) => [id, index]));
    for (const ids of threads) {
      const places = ids.map((id) => place.get(id) ?? -1);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    }
    for (const of of OWNERS) {
      expect(await storesOf(0).runs.count(of, { status: ['PENDING', 'RUNNING'] })).toBe(0);
      expect(await storesOf(1).threads.count(of, { status: ['IDLE'] })).toBe(THREADS);
    }
  });
});
