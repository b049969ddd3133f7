import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Order, OrderField, PageArgs } from '../../../src/store/query.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { createCursors, type Cursors } from '../../../src/store/rules/cursor.ts';
import { cursorScope } from '../../../src/store/rules/cursor-scope.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import type { AnyFilter } from '../../contract/paging/lists.ts';
import type { AnyRecord } from '../../support/records.ts';
import { idsOf, type Listed } from '../../support/walk.ts';
import { configFor } from '../../support/postgres/config.ts';
import { fill, idOf, instantOf, nameOf, ROWS } from './many-rows.ts';
import { type Sent, type Spy, spyOn, transactionsOf } from '../../contract/postgres/spy.ts';

/** A place in the plan of a statement, as EXPLAIN describes it. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string | undefined;
  readonly 'Actual Rows': number;
  readonly 'Rows Removed by Filter'?: number | undefined;
  readonly Plans?: readonly PlanNode[] | undefined;
}

const PlanNode: z.ZodType<PlanNode> = z.object({
  'Node Type': z.string(),
  'Index Name': z.string().optional(),
  'Actual Rows': z.number(),
  'Rows Removed by Filter': z.number().optional(),
  Plans: z.array(z.lazy(() => PlanNode)).optional(),
});
const Explained = z.tuple([z.object({ 'QUERY PLAN': z.tuple([z.object({ Plan: PlanNode }).loose()]) })]);
const Secret = z.tuple([z.object({ value: z.instanceof(Uint8Array) })]);

const alice = asOwner('alice');
let database: TestDatabase;
let spy: Spy;
let stores: PostgresStores;
let cursors: Cursors;

beforeAll(async () => {
  database = await createDatabase();
  spy = await spyOn(database.url);
  stores = await openPostgresStores(configFor(spy.url), { sweepInterval: null });
  await fill(database.adminUrl);
  const [{ value }] = Secret.parse(
    await connected(database.adminUrl, (sql) => sql`SELECT value FROM agent_graphql.secrets`),
  );
  cursors = createCursors(value);
});

afterAll(async () => {
  await stores.close();
  await spy.close();
  await database.drop();
});

/** A list of the many records. */
interface Subject {
  readonly of: 'assistants' | 'threads' | 'runs';
  readonly fields: readonly OrderField[];
  readonly filter?: AnyFilter;
}

const TIMES = ['CREATED_AT', 'UPDATED_AT'] as const;
const SUBJECTS: readonly (readonly [string, Subject])[] = [
  ['threads', { of: 'threads', fields: TIMES }],
  ['assistants', { of: 'assistants', fields: [...TIMES, 'NAME'] }],
  ['runs', { of: 'runs', fields: TIMES }],
  ['runs of a thread', { of: 'runs', fields: TIMES, filter: { parent: { threadId: idOf(1) } } }],
  ['runs of an assistant', { of: 'runs', fields: TIMES, filter: { parent: { assistantId: idOf(1) } } }],
  ['runs by their thread', { of: 'runs', fields: TIMES, filter: { threadId: idOf(1) } }],
  ['runs by their assistant', { of: 'runs', fields: TIMES, filter: { assistantId: idOf(1) } }],
];
const ORDERS = SUBJECTS.flatMap(([name, subject]) =>
  subject.fields.flatMap((field) =>
    (['ASC', 'DESC'] as const).map((direction) => ({ name, subject, orderBy: { field, direction } })),
  ),
);

function storeOf(of: Subject['of']): Listed<AnyRecord, AnyFilter, OrderField> {
  return stores.forRequest()[of];
}

/** The cursor of the record in the middle of a list. */
function middle({ of, filter }: Subject, orderBy: Order): string {
  const place = ROWS[of] / 2;
  const key = orderBy.field === 'NAME' ? nameOf(place) : instantOf(place);
  const name = cursorScope(of.slice(0, -1), alice, orderBy, filter ?? {});
  return cursors.encode(name(), { key, id: idOf(place) });
}

/** How often a statement runs before its plan is looked at: by then, PostgreSQL may think of one for all parameters. */
const EXECUTIONS = 6;

/** The plans of what a call sends, explained while the same is done again, with all that it sets. */
async function plansOf(call: () => Promise<unknown>, executions = 0): Promise<readonly PlanNode[]> {
  spy.clear();
  await call();
  // Every minute, old changes are looked for.
  const sent = transactionsOf(spy.sent)
    .filter((statements) => !statements.some(({ text }) => text.includes('agent_graphql.changes')))
    .flat();
  const plans: PlanNode[] = [];
  await connected(database.url, async (sql) => {
    for (const [index, statement] of sent.entries()) {
      if (statement.text.includes('FROM agent_graphql.'))
        plans.push(await explain(sql, `s${index}`, statement, executions));
      else await sql.unsafe(statement.text, [...statement.params]);
    }
  });
  return plans;
}

async function explain(
  sql: postgres.Sql,
  name: string,
  { text, params }: Sent,
  executions: number,
): Promise<PlanNode> {
  await sql.unsafe(`PREPARE ${name} AS ${text}`);
  const literals = params.map((param) => (param === null ? 'NULL' : `'${param.replaceAll("'", "''")}'`));
  const execute = `EXECUTE ${name}${literals.length === 0 ? '' : `(${literals.join(', ')})`}`;
  for (let i = 0; i < executions; i++) await sql.unsafe(execute);
  const rows = await sql.unsafe(`EXPLAIN (ANALYZE, FORMAT JSON) ${execute}`);
  return Explained.parse([...rows])[0]['QUERY PLAN'][0].Plan;
}

/** A plan with all that is below it. */
function nodesOf(plan: PlanNode): readonly PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

function typesOf(plans: readonly PlanNode[]): readonly string[] {
  return plans.flatMap(nodesOf).map((node) => node['Node Type']);
}

function indexesOf(plans: readonly PlanNode[]): readonly string[] {
  return plans.flatMap(nodesOf).flatMap((node) => node['Index Name'] ?? []);
}

/** The most rows that any part of a plan looked at. */
function mostRows(plans: readonly PlanNode[]): number {
  return Math.max(
    ...plans.flatMap(nodesOf).map((node) => node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)),
  );
}

describe('the lists of 1,000,000 threads and many runs and assistants', () => {
  it.each(ORDERS)(
    'should be read by an index, in its order: $name by $orderBy',
    async ({ subject, orderBy }) => {
      const cursor = middle(subject, orderBy);
      const pages: PageArgs[] = [
        { first: 20 },
        { last: 20 },
        { first: 20, after: cursor },
        { last: 20, before: cursor },
      ];
      for (const page of pages) {
        const { of, filter } = subject;
        const plans = await plansOf(async () => {
          const { items } = await storeOf(of).list(alice, { orderBy, filter: filter ?? null, ...page });
          expect(items).toHaveLength(20);
        }, EXECUTIONS);
        expect(plans.length).toBeGreaterThan(0);
        expect(typesOf(plans)).not.toContain('Seq Scan');
        expect(typesOf(plans)).not.toContain('Sort');
        expect(typesOf(plans)).not.toContain('Incremental Sort');
        // One more than the page, to know whether there is more.
        expect(mostRows(plans)).toBeLessThanOrEqual(21);
      }
    },
  );

  it.each(['threads', 'assistants', 'runs'] as const)(
    'should find the few %s with a rare label by the index of labels',
    async (of) => {
      const filter = { metadata: { rare: 'yes' } };
      const orderBy = { field: 'CREATED_AT', direction: 'DESC' } as const;
      const found: AnyRecord[] = [];
      const plans = await plansOf(async () => {
        const page = await storeOf(of).list(alice, { orderBy, filter, first: 20 });
        found.push(...page.items);
      });
      expect(idsOf(found)).toStrictEqual([3, 2, 1].map((part) => idOf((ROWS[of] / 4) * part)));
      expect(typesOf(plans)).not.toContain('Seq Scan');
      expect(indexesOf(plans)).toContain(`${of}_by_metadata`);
      expect(mostRows(plans)).toBeLessThanOrEqual(3);
    },
  );

  it.each(ORDERS.filter(({ subject }) => subject.filter === undefined))(
    'should walk in order for a frequent label: $name by $orderBy',
    async ({ subject, orderBy }) => {
      const { of } = subject;
      const filter = { metadata: { often: [1] } };
      const cursor = middle({ ...subject, filter }, orderBy);
      for (const page of [
        { first: 20, after: cursor },
        { last: 20, before: cursor },
      ]) {
        const plans = await plansOf(async () => {
          const { items } = await storeOf(of).list(alice, { orderBy, filter, ...page });
          expect(items).toHaveLength(20);
        });
        expect(typesOf(plans)).not.toContain('Seq Scan');
        expect(typesOf(plans)).not.toContain('Sort');
        // How often there is such a label, up to the 1,001st, and the walks: onward, and one back.
        const walks = plans.filter((plan) => !indexesOf([plan]).includes(`${of}_by_metadata`));
        expect(walks.length).toBeGreaterThanOrEqual(2);
        expect(mostRows(walks)).toBeLessThanOrEqual(1_001);
      }
    },
  );

  it('should sort records that are named, and look at no others', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => idOf(index * 7 + 1));
    for (const { subject, orderBy } of ORDERS.filter(({ subject: { filter } }) => filter === undefined)) {
      const plans = await plansOf(async () => {
        const page = await storeOf(subject.of).list(alice, { orderBy, filter: { ids }, first: 100 });
        expect(page.items).toHaveLength(100);
      }, EXECUTIONS);
      expect(mostRows(plans)).toBeLessThanOrEqual(100);
    }
  });

  it('should look up records and count those of parents by indexes', async () => {
    const plans = await plansOf(async () => {
      const { assistants, threads, runs } = stores.forRequest();
      const ids = Array.from({ length: 100 }, (_, index) => idOf(index + 1));
      for (const store of [assistants, threads, runs]) {
        expect(await store.getMany(alice, ids)).not.toContain(null);
      }
      await runs.count(alice, { parent: { threadId: idOf(5) } });
      await runs.count(alice, { parent: { assistantId: idOf(5) } });
    }, EXECUTIONS);
    expect(plans).toHaveLength(5);
    expect(mostRows(plans.slice(0, 3))).toBeLessThanOrEqual(100);
    expect(typesOf(plans)).not.toContain('Seq Scan');
  });
});
