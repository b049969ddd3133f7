import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../../../src/store/change.ts';
import type { Outcome } from '../../../src/store/outcome.ts';
import type { RunStatus } from '../../../src/store/records.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import { asOwner } from '../../../src/store/owner.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { call, refusalsOf, valueOf } from '../../support/bench.ts';
import { makeAssistant } from '../../support/records.ts';
import { everythingOf, idsOf } from '../../support/walk.ts';
import { configFor } from '../../support/postgres/config.ts';

let database: TestDatabase;
let servers: readonly [PostgresStores, PostgresStores];
/** What the first server told of. */
const told: Change[] = [];

beforeAll(async () => {
  database = await createDatabase();
  const config = configFor(database.url);
  servers = [
    await openPostgresStores(config, { publish: (_, changes) => told.push(...changes) }),
    await openPostgresStores(config),
  ];
});

afterAll(async () => {
  await Promise.all(servers.map(async ({ close }) => close()));
  await database.drop();
});

const FINAL = ['SUCCESS', 'ERROR', 'TIMEOUT', 'INTERRUPTED', 'CANCELLED'] as const;
let owners = 0;

/** An owner who has nothing yet. */
function newOwner() {
  return asOwner(`owner ${owners++}`);
}

/** The stores of a request to one of the servers, by turns. */
function request(turn: number): Stores {
  return servers[turn % 2 === 0 ? 0 : 1].forRequest();
}

/** What a thread's status must be, after its only run has ended. */
function statusAfter(status: RunStatus): string {
  if (status === 'ERROR' || status === 'TIMEOUT') return 'ERROR';
  return status === 'INTERRUPTED' ? 'INTERRUPTED' : 'IDLE';
}

describe('200 mutations at once through two servers', () => {
  it('should end a run once', async () => {
    const owner = newOwner();
    const stores = request(0);
    const thread = valueOf(await stores.threads.create(owner, {}));
    const assistant = await makeAssistant(stores, owner, {});
    const run = valueOf(await stores.runs.create(owner, { threadId: thread.id, assistantId: assistant.id }));
    await servers[0].drainNotifications();
    told.length = 0;
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, async (_, turn) => {
        const status = FINAL[turn % FINAL.length] ?? 'SUCCESS';
        return { status, outcome: await request(turn).runs.update(owner, run.id, { status }) };
      }),
    );
    const ended = await stores.runs.get(owner, run.id);
    // Who asks for the status that it has is no error; all others are too late.
    for (const { status, outcome } of outcomes) {
      expect(refusalsOf(outcome)).toStrictEqual(status === ended?.status ? [] : ['CONFLICT status']);
    }
    expect(await request(1).threads.get(owner, thread.id)).toMatchObject({
      status: statusAfter(ended?.status ?? 'PENDING'),
    });
    await servers[0].drainNotifications();
    expect(told.map(({ resource }) => resource)).toStrictEqual(['run', 'thread']);
  });

  it('should delete an assistant or start runs of it, and never both', async () => {
    for (let round = 0; round < 5; round++) {
      const owner = newOwner();
      const stores = request(0);
      const assistant = await makeAssistant(stores, owner, {});
      const threads = await Promise.all(
        Array.from({ length: 10 }, async () => valueOf(await stores.threads.create(owner, {}))),
      );
      const before = round * 7;
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, async (_, turn) =>
          turn === before
            ? { deletion: await request(turn).assistants.delete(owner, assistant.id) }
            : {
                creation: await request(turn).runs.create(owner, {
                  threadId: threads[turn % 10]?.id ?? '',
                  assistantId: assistant.id,
                }),
              },
        ),
      );
      const deletion = outcomes.flatMap((outcome) => ('deletion' in outcome ? [outcome.deletion] : []))[0];
      const created = outcomes.filter(
        (outcome) => 'creation' in outcome && outcome.creation !== undefined && 'value' in outcome.creation,
      );
      const isGone = (await stores.assistants.get(owner, assistant.id)) === null;
      expect(created).toHaveLength(isGone ? 0 : 39);
      expect(deletion === undefined ? [] : refusalsOf(deletion)).toStrictEqual(isGone ? [] : ['CONFLICT id']);
      await expectOrder(stores, owner);
    }
  });

  it('should count each update of an assistant', async () => {
    const owner = newOwner();
    const assistant = await makeAssistant(request(0), owner, {});
    const versions = await Promise.all(
      Array.from({ length: 200 }, async (_, turn) => {
        const updated = valueOf(await request(turn).assistants.update(owner, assistant.id, {}));
        return updated?.version ?? 0;
      }),
    );
    expect(versions.toSorted((a, b) => a - b)).toStrictEqual(Array.from({ length: 200 }, (_, i) => i + 2));
  });

  it('should keep every key that is merged into the metadata of a thread whose runs start and end', async () => {
    const owner = newOwner();
    const stores = request(0);
    const thread = valueOf(await stores.threads.create(owner, {}));
    const assistant = await makeAssistant(stores, owner, {});
    await Promise.all(
      Array.from({ length: 100 }, async (_, turn) => {
        const { threads, runs } = request(turn);
        const [, run] = await Promise.all([
          threads.update(owner, thread.id, { metadata: { [`key${turn}`]: turn } }),
          runs.create(owner, { threadId: thread.id, assistantId: assistant.id }),
        ]);
        valueOf(await runs.update(owner, valueOf(run).id, { status: 'SUCCESS' }));
      }),
    );
    const after = await stores.threads.get(owner, thread.id);
    expect(Object.keys(after?.metadata ?? {})).toHaveLength(101);
    expect(after?.status).toBe('IDLE');
    await expectOrder(stores, owner);
  });

  it('should leave everything in order, whatever they are', () =>
    fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 200, maxLength: 200 }), async (script) => {
        const owner = newOwner();
        const stores = request(0);
        const assistants = await Promise.all(
          Array.from({ length: 3 }, () => makeAssistant(stores, owner, {})),
        );
        const threads = await Promise.all(
          Array.from({ length: 3 }, async () => valueOf(await stores.threads.create(owner, {}))),
        );
        const runs = await Promise.all(
          Array.from({ length: 6 }, async (_, i) => {
            const [threadId = '', assistantId = ''] = [idsOf(threads)[i % 3], idsOf(assistants)[i % 3]];
            return valueOf(await stores.runs.create(owner, { threadId, assistantId }));
          }),
        );
        // None of them fails: neither with a deadlock nor as unavailable.
        const outcomes = await Promise.all(
          script.map((step, turn) =>
            call<Outcome<unknown>>(() =>
              take(request(turn), owner, step, {
                assistants: idsOf(assistants),
                threads: idsOf(threads),
                runs: idsOf(runs),
              }),
            ),
          ),
        );
        const codes = new Set(outcomes.flatMap(refusalsOf).map((refusal) => refusal.split(' ')[0]));
        expect(['CONFLICT', 'NOT_FOUND']).toStrictEqual(expect.arrayContaining([...codes]));
        await expectOrder(stores, owner);
      }),
      { numRuns: 8 },
    ));
});

interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly pick: number;
  readonly status: RunStatus;
}

const KINDS = [
  'start',
  'start',
  'move',
  'move',
  'move',
  'deleteRun',
  'deleteThread',
  'deleteAssistant',
  'touch',
] as const;
const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...KINDS),
  pick: fc.nat({ max: 1_000 }),
  status: fc.constantFrom<RunStatus>('RUNNING', ...FINAL),
});

type Ids = Readonly<Record<'assistants' | 'threads' | 'runs', readonly string[]>>;

/** Takes a step. Threads and assistants are seldom deleted, or nothing else would happen. */
function take(stores: Stores, owner: ReturnType<typeof newOwner>, { kind, pick, status }: Step, ids: Ids) {
  const of = (list: readonly string[], least = 0) => list[Math.max(pick % list.length, least)] ?? '';
  switch (kind) {
    case 'start':
      return stores.runs.create(owner, { threadId: of(ids.threads), assistantId: of(ids.assistants) });
    case 'move':
      return stores.runs.update(owner, of(ids.runs), { status });
    case 'deleteRun':
      return stores.runs.delete(owner, of(ids.runs));
    case 'deleteThread':
      return pick % 10 === 0
        ? stores.threads.delete(owner, of(ids.threads, 2))
        : stores.threads.update(owner, of(ids.threads), { metadata: { pick } });
    case 'deleteAssistant':
      return stores.assistants.delete(owner, of(ids.assistants, 2));
    case 'touch':
      return stores.assistants.update(owner, of(ids.assistants), { metadata: { pick } });
  }
}

/** Expects what must hold at any time: no run without its thread, and the status of each thread as its runs have it. */
async function expectOrder(stores: Stores, owner: ReturnType<typeof newOwner>): Promise<void> {
  const { threads, runs, assistants } = await everythingOf(stores, owner);
  const known = new Set(idsOf(threads));
  expect(runs.filter(({ threadId }) => !known.has(threadId))).toStrictEqual([]);
  for (const { id, status } of threads) {
    const own = runs.filter(({ threadId }) => threadId === id);
    const [last] = own.toSorted((a, b) => (b.ended ?? 0) - (a.ended ?? 0));
    const ends = own.flatMap(({ ended }) => ended ?? []);
    expect(new Set(ends).size).toBe(ends.length);
    const isActive = own.some(({ ended }) => ended === null);
    expect(status).toBe(isActive ? 'BUSY' : statusAfter(last?.status ?? 'SUCCESS'));
  }
  const left = new Set(idsOf(assistants));
  expect(runs.filter(({ assistantId, ended }) => ended === null && !left.has(assistantId))).toStrictEqual([]);
}
