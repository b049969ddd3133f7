import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../../src/store/outcome.ts';
import { asOwner, type Owner } from '../../../src/store/owner.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { call, refusalsOf, valueOf } from '../../support/bench.ts';
import { connected } from '../../support/postgres/admin.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createMigratedDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { makeAssistant } from '../../support/records.ts';
import { idsOf } from '../../support/walk.ts';

const WORKER = asOwner('worker');
let database: TestDatabase;
let servers: readonly [PostgresStores, PostgresStores];
let owners = 0;

beforeAll(async () => {
  database = await createMigratedDatabase();
  const config = configFor(database.url);
  // They sweep by themselves meanwhile, often.
  servers = [
    await openPostgresStores(config, { sweepInterval: 20 }),
    await openPostgresStores(config, { sweepInterval: 20 }),
  ];
});

afterAll(async () => {
  await Promise.all(servers.map(async ({ close }) => close()));
  await database.drop();
});

function request(turn: number): Stores {
  return servers[turn % 2 === 0 ? 0 : 1].forRequest();
}

const KINDS = [
  'create',
  'create',
  'delay',
  'interrupt',
  'rollback',
  'work',
  'work',
  'work',
  'work',
  'lose',
  'start',
  'end',
  'cancel',
  'label',
  'deleteRun',
  'deleteThread',
  'moveAssistant',
] as const;

interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly pick: number;
}

const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...KINDS),
  pick: fc.nat({ max: 1_000 }),
});

interface World {
  readonly owner: Owner;
  readonly assistants: readonly string[];
  readonly threads: readonly string[];
  readonly runs: string[];
}

/** Takes a step: workers claim, append, save and finish, or give back. */
async function take(stores: Stores, { owner, assistants, threads, runs }: World, { kind, pick }: Step) {
  const of = (list: readonly string[], least = 0) => list[Math.max(pick % list.length, least)] ?? '';
  const create = async (input: object) => {
    const parents = { threadId: of(threads), assistantId: of(assistants) };
    const outcome = await stores.runs.create(owner, { ...parents, ...input });
    if ('value' in outcome) runs.push(outcome.value.id);
    return outcome;
  };
  switch (kind) {
    case 'create':
      return create({});
    case 'delay':
      return create({ delaySeconds: 1 });
    case 'interrupt':
      return create({ multitaskStrategy: 'INTERRUPT' });
    case 'rollback':
      return create({ multitaskStrategy: 'ROLLBACK' });
    case 'work':
      return work(stores, owner, pick);
    case 'lose':
      return lose(owner);
    case 'start':
      return stores.runs.update(owner, of(runs), { status: 'RUNNING' });
    case 'end':
      return stores.runs.update(owner, of(runs), { status: 'ERROR' });
    case 'cancel':
      await stores.runs.cancel(owner, of(runs), pick % 2 === 0 ? 'INTERRUPT' : 'ROLLBACK');
      return { value: null };
    case 'label':
      return stores.runs.update(owner, of(runs), { metadata: { pick } });
    case 'deleteRun':
      return stores.runs.delete(owner, of(runs));
    case 'deleteThread':
      return pick % 10 === 0 ? stores.threads.delete(owner, of(threads, 2)) : { value: null };
    case 'moveAssistant':
      return stores.assistants.update(owner, of(assistants), { graphId: `${owner} ${pick % 2}` });
  }
}

async function work({ queue }: Stores, owner: Owner, pick: number): Promise<Outcome<unknown>> {
  const graphIds = [`${owner} 0`, `${owner} 1`];
  const asked = { graphIds, name: 'w', leaseSeconds: 30, waitSeconds: 0, max: (pick % 3) + 1 };
  const claims = valueOf(await queue.claim(WORKER, { ...asked, allOwners: true }));
  for (const { lease } of claims) {
    await queue.heartbeat(WORKER, { leases: [lease], leaseSeconds: 30, waitSeconds: 0 });
    await queue.appendEvents(WORKER, { lease, offset: 0, events: [{ type: 'T' }] });
    await queue.checkpoint(WORKER, { lease, values: { pick } });
    if (pick % 5 === 0) continue;
    if (pick % 5 === 1) await queue.release(WORKER, [lease]);
    else if (pick % 5 === 2) {
      const error = { code: 'E', message: 'again' };
      await queue.finish(WORKER, { lease, status: 'ERROR', error, retry: true, retryAfterSeconds: 0 });
    } else await queue.finish(WORKER, { lease, status: 'SUCCESS', retry: false });
  }
  return { value: null };
}

/** Lets the leases of an owner have ended, one by one: who waits for a lock then holds no other that is waited for. */
async function lose(owner: Owner): Promise<Outcome<unknown>> {
  await connected(database.adminUrl, async (sql) => {
    const held = await sql`SELECT run_id::text AS id FROM agent_graphql.executions
      WHERE owner = ${owner} AND lease_ends_at IS NOT NULL AND is_active`;
    for (const { id } of held) {
      await sql`UPDATE agent_graphql.executions SET due_at = '-infinity', lease_ends_at = '2026-01-01T00:00:00Z'
        WHERE owner = ${owner} AND run_id = ${String(id)} AND lease_ends_at IS NOT NULL AND is_active`;
    }
  });
  return { value: null };
}

/** What must hold at any time, as the database says: rows that contradict the rules. */
const CONTRADICTIONS = `
  SELECT 'a head that is not its thread''s first' AS what, e.run_id FROM agent_graphql.executions e
    WHERE head IS NOT NULL AND (NOT is_active OR available_at IS NULL OR run_id <> (
      SELECT run_id FROM agent_graphql.executions o WHERE o.owner = e.owner AND o.thread_id = e.thread_id AND is_active
      ORDER BY has_begun DESC, available_at NULLS FIRST, created_at, run_id LIMIT 1))
  UNION ALL SELECT 'a thread without the head that it needs', run_id FROM (
      SELECT DISTINCT ON (owner, thread_id) * FROM agent_graphql.executions WHERE is_active
      ORDER BY owner, thread_id, has_begun DESC, available_at NULLS FIRST, created_at, run_id) f
    WHERE head IS NULL AND available_at IS NOT NULL
  UNION ALL SELECT 'two runs of a thread that are held', (array_agg(run_id))[1] FROM agent_graphql.executions e
    JOIN agent_graphql.runs r ON r.owner = e.owner AND r.id = e.run_id
    WHERE worker IS NOT NULL GROUP BY e.owner, e.thread_id HAVING count(*) > 1
  UNION ALL SELECT 'a run that differs from its execution', r.id FROM agent_graphql.runs r
    LEFT JOIN agent_graphql.executions e ON r.owner = e.owner AND r.id = e.run_id
    WHERE e.run_id IS NULL OR is_active <> (ended IS NULL) OR has_begun <> (status <> 'PENDING')
      OR e.available_at IS DISTINCT FROM r.available_at OR (worker IS NOT NULL) > (lease_holder IS NOT NULL)
  UNION ALL SELECT 'an execution without a run', run_id FROM agent_graphql.executions e
    WHERE NOT EXISTS (SELECT FROM agent_graphql.runs r WHERE r.owner = e.owner AND r.id = e.run_id)
  UNION ALL SELECT 'a run in the wrong graph', r.id FROM agent_graphql.runs r
    JOIN agent_graphql.executions e ON r.owner = e.owner AND r.id = e.run_id
    JOIN agent_graphql.assistants a ON a.owner = r.owner AND a.id = r.assistant_id
    WHERE ended IS NULL AND a.graph_id <> e.graph_id
  UNION ALL SELECT 'events with a gap', e.run_id FROM agent_graphql.executions e
    WHERE last_seq <> (SELECT count(*) FROM agent_graphql.run_events v WHERE v.owner = e.owner AND v.run_id = e.run_id)
  UNION ALL SELECT 'values of another run', t.id FROM agent_graphql.threads t
    WHERE values_run_id IS DISTINCT FROM (SELECT id FROM agent_graphql.runs r
      WHERE r.owner = t.owner AND r.thread_id = t.id AND has_output ORDER BY ended DESC LIMIT 1)
  UNION ALL SELECT 'a payload that is missing or too many', r.id FROM agent_graphql.runs r
    LEFT JOIN agent_graphql.run_payloads p ON p.owner = r.owner AND p.run_id = r.id
    WHERE has_output <> (output IS NOT NULL) OR has_checkpoint <> (checkpoint IS NOT NULL)
  UNION ALL SELECT 'a thread with the wrong status', t.id FROM agent_graphql.threads t
    WHERE (status = 'BUSY') <> EXISTS (SELECT FROM agent_graphql.runs r
      WHERE r.owner = t.owner AND r.thread_id = t.id AND ended IS NULL)`;

describe('workers, tenants and sweeps at once through two servers', () => {
  it('should leave everything in order, and none of them fails', () =>
    fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 150, maxLength: 150 }), async (script) => {
        const owner = asOwner(`owner ${owners++}`);
        const stores = request(0);
        const assistants = await Promise.all(
          [0, 1, 2].map((i) => makeAssistant(stores, owner, { graphId: `${owner} ${i % 2}` })),
        );
        const threads = await Promise.all(
          [0, 1, 2].map(async () => valueOf(await stores.threads.create(owner, {}))),
        );
        const world = { owner, assistants: idsOf(assistants), threads: idsOf(threads), runs: [''] };
        const outcomes = await Promise.all(
          script.map((step, turn) => call<Outcome<unknown>>(() => take(request(turn), world, step))),
        );
        const codes = new Set(outcomes.flatMap(refusalsOf).map((refusal) => refusal.split(' ')[0]));
        expect(['CONFLICT', 'NOT_FOUND']).toStrictEqual(expect.arrayContaining([...codes]));
        const contradictions = await connected(database.adminUrl, (sql) => sql.unsafe(CONTRADICTIONS));
        expect([...contradictions]).toStrictEqual([]);
      }),
      { numRuns: 6 },
    ));
});
