import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type FetchedApi, openApi, send } from '../support/api.ts';
import { cases } from '../support/random.ts';
import {
  codesOf,
  createAssistant,
  createRun,
  createThread,
  listAt,
  moveRun,
  textAt,
  valueAt,
} from '../support/requests.ts';

const PAGE =
  'edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount';
const THREADS = `query($first: Int, $after: String, $last: Int, $before: String, $filter: ThreadFilterInput, $orderBy: ThreadOrderInput! = {field: CREATED_AT, direction: DESC}) {
  threads(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) { ${PAGE} }
}`;
const ASSISTANTS = `query($filter: AssistantFilterInput, $orderBy: AssistantOrderInput! = {field: NAME, direction: ASC}) {
  assistants(filter: $filter, orderBy: $orderBy) { totalCount nodes { name } }
}`;

/** A number of threads of alice, newest first, on a clock that moves or stands still. */
async function given(count: number, { step = 1 } = {}) {
  let time = Date.UTC(2026, 0, 1);
  const { api } = openApi({ now: () => (time += step) });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.unshift(await createThread(api, 'alice', { i }));
  return { api, ids: step === 0 ? ids.toSorted().toReversed() : ids };
}

function found(...names: readonly string[]) {
  return { totalCount: names.length, nodes: names.map((name) => ({ name })) };
}

/** The ids and cursors of a page, after a check that its parts agree. */
async function page(api: FetchedApi, args: Record<string, unknown>) {
  const answer = await send(api, 'alice', THREADS, args);
  expect(answer.body.errors).toBeUndefined();
  const edges = listAt(answer, 'threads', 'edges');
  const ids = edges.map((_, i) => textAt(answer, 'threads', 'edges', i, 'node', 'id'));
  const cursors = edges.map((_, i) => textAt(answer, 'threads', 'edges', i, 'cursor'));
  expect(listAt(answer, 'threads', 'nodes')).toEqual(ids.map((id) => ({ id })));
  expect(valueAt(answer, 'threads', 'pageInfo')).toMatchObject({
    startCursor: cursors[0] ?? null,
    endCursor: cursors.at(-1) ?? null,
  });
  return {
    ids,
    cursors,
    total: valueAt(answer, 'threads', 'totalCount'),
    next: valueAt(answer, 'threads', 'pageInfo', 'hasNextPage'),
    previous: valueAt(answer, 'threads', 'pageInfo', 'hasPreviousPage'),
  };
}

describe('a page', () => {
  it('should hold 20 unless told, newest first', async () => {
    const { api, ids } = await given(25);
    const first = await page(api, {});
    expect(first).toMatchObject({ ids: ids.slice(0, 20), total: 25, next: true, previous: false });
    const rest = await page(api, { after: first.cursors.at(-1) });
    expect(rest).toMatchObject({ ids: ids.slice(20), total: 25, next: false, previous: true });
    const back = await page(api, { before: rest.cursors[4] });
    expect(back).toMatchObject({ ids: ids.slice(4, 24), total: 25, next: true, previous: true });
  });

  it('should hold 100 at most, and nothing when nothing is asked for', async () => {
    const { api, ids } = await given(101);
    expect(await page(api, { first: 100 })).toMatchObject({
      ids: ids.slice(0, 100),
      next: true,
      previous: false,
    });
    expect(await page(api, { last: 100 })).toMatchObject({ ids: ids.slice(1), next: false, previous: true });
    expect(await page(api, { first: 0 })).toMatchObject({ ids: [], total: 101, previous: false });
    expect(await page(api, { last: 0 })).toMatchObject({ ids: [], total: 101, next: false });
  });

  it('should take null for what is not given', async () => {
    const { api, ids } = await given(2);
    const args = { first: null, after: null, last: null, before: null, filter: null };
    expect(await page(api, args)).toMatchObject({ ids, total: 2 });
    const filter = { ids: null, status: null, metadata: null };
    expect(await page(api, { filter, last: 1, first: null })).toMatchObject({ ids: ids.slice(1), total: 2 });
  });

  it('should be as its arguments say, forward and backward, also when all share one time', async () => {
    const { api, ids } = await given(9, { step: 0 });
    const { cursors } = await page(api, {});
    const at = fc.option(fc.integer({ min: 0, max: 8 }), { nil: null });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.integer({ min: 0, max: 10 }), at, async (forward, size, cursor) => {
        const from = cursor === null ? null : cursors[cursor];
        const args = forward ? { first: size, after: from } : { last: size, before: from };
        const [start, end] = forward
          ? [cursor === null ? 0 : cursor + 1, ids.length]
          : [0, cursor ?? ids.length];
        const expected = forward ? ids.slice(start, start + size) : ids.slice(Math.max(0, end - size), end);
        const answer = await page(api, args);
        expect(answer.ids).toEqual(expected);
        expect(answer.total).toBe(9);
        expect(forward ? answer.next : answer.previous).toBe(end - start > size);
        expect(forward ? answer.previous : answer.next).toBe(cursor !== null);
      }),
      { numRuns: cases({ some: 20, all: 60 }) },
    );
  });

  it.each([
    [{ first: 101 }],
    [{ first: -1 }],
    [{ last: 101 }],
    [{ last: -1 }],
    [{ first: 1, last: 1 }],
    [{ first: 1, before: 'CURSOR' }],
    [{ last: 1, after: 'CURSOR' }],
    [{ before: 'CURSOR', after: 'CURSOR' }],
    [{ first: 1, last: 1, after: 'CURSOR', before: 'CURSOR' }],
    [{ after: '' }],
    [{ before: '' }],
    [{ after: 'made up' }],
    [{ last: 1, before: 'x'.repeat(60_000) }],
    [{ after: '\ud800\0' }],
  ])('should be refused: %j', async (args) => {
    const { api } = await given(3);
    const { cursors } = await page(api, {});
    const real = Object.fromEntries(
      Object.entries(args).map(([key, value]) => [key, value === 'CURSOR' ? cursors[1] : value]),
    );
    const answer = await send(api, 'alice', THREADS, real);
    expect(answer.status).toBe(200);
    expect(answer.body.data).toBeNull();
    expect(answer.body.errors).toEqual([
      {
        message: expect.any(String),
        path: ['threads'],
        locations: expect.anything(),
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
    expect(answer.text.length).toBeLessThan(500);
  });

  it('should not be asked for by numbers that are none', async () => {
    const { api } = await given(1);
    for (const first of [1.5, '1', 2 ** 31, {}]) {
      expect(codesOf(await send(api, 'alice', THREADS, { first }))).toEqual(['BAD_USER_INPUT']);
    }
    expect(codesOf(await send(api, 'alice', '{ threads(first: "1") { totalCount } }'))).toEqual([
      'GRAPHQL_VALIDATION_FAILED',
    ]);
  });

  it('should neither skip nor repeat what stays in place while others come and go', async () => {
    const { api, ids } = await given(6);
    const first = await page(api, { first: 3 });
    await createThread(api, 'alice');
    for (const id of [ids[2], ids[3]]) {
      await send(api, 'alice', 'mutation($id: ID!) { deleteThread(id: $id) { success } }', { id });
    }
    // The cursor is that of a thread which is gone.
    const rest = await page(api, { first: 3, after: first.cursors[2] });
    expect(rest).toMatchObject({ ids: [ids[4], ids[5]], total: 5, next: false, previous: true });
  });
});

describe('a cursor', () => {
  it('should be good for the very list that gave it, and be refused as a made-up one by any other', async () => {
    const { api } = await given(5);
    const { cursors } = await page(api, {});
    const after = cursors[2] ?? '';
    const assistant = await createAssistant(api, 'alice');
    const thread = await createThread(api, 'alice');
    await createRun(api, 'alice', thread, assistant);
    const madeUp = await send(api, 'alice', THREADS, { after: 'made up' });
    const expected = madeUp.body.errors?.map(({ message }) => message);
    const variants: [string, Record<string, unknown>][] = [
      [THREADS, { orderBy: { field: 'CREATED_AT', direction: 'ASC' } }],
      [THREADS, { orderBy: { field: 'UPDATED_AT', direction: 'DESC' } }],
      [THREADS, { filter: { status: ['IDLE'] } }],
      [THREADS, { filter: { metadata: { owner: 'alice' } } }],
      ['query($after: String) { assistants(after: $after) { totalCount } }', {}],
      ['query($after: String) { runs(after: $after) { totalCount } }', {}],
      [
        'query($after: String, $id: ID!) { thread(id: $id) { runs(after: $after) { totalCount } } }',
        { id: thread },
      ],
    ];
    for (const [query, args] of variants) {
      const answer = await send(api, 'alice', query, { ...args, after });
      expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
      expect(answer.body.errors?.map(({ message }) => message)).toEqual(expected);
    }
    expect((await page(api, { after })).ids).toHaveLength(2);
  });

  it('should be refused with any of its characters changed, cut off or added', async () => {
    const { api } = await given(2);
    const { cursors } = await page(api, {});
    const cursor = cursors[0] ?? '';
    const changed = Array.from(
      cursor,
      (char, i) => `${cursor.slice(0, i)}${char === 'A' ? 'B' : 'A'}${cursor.slice(i + 1)}`,
    );
    for (const other of [
      ...changed,
      cursor.slice(1),
      cursor.slice(0, -1),
      `${cursor}=`,
      `${cursor}A`,
      ` ${cursor}`,
    ]) {
      const answer = await send(api, 'alice', THREADS, { after: other });
      expect([other, codesOf(answer)]).toEqual([other, ['BAD_USER_INPUT']]);
    }
  });

  it("should not be good for another thread's runs, nor for those of an assistant", async () => {
    const { api } = openApi();
    const assistant = await createAssistant(api, 'alice');
    const [one, two] = [await createThread(api, 'alice'), await createThread(api, 'alice')];
    for (const thread of [one, one, two]) await createRun(api, 'alice', thread, assistant);
    const query =
      'query($id: ID!, $after: String) { node(id: $id) { ... on Thread { runs(after: $after) { edges { cursor } } } ... on Assistant { runs(after: $after) { edges { cursor } } } } }';
    const cursor = textAt(await send(api, 'alice', query, { id: one }), 'node', 'runs', 'edges', 0, 'cursor');
    expect(
      listAt(await send(api, 'alice', query, { id: one, after: cursor }), 'node', 'runs', 'edges'),
    ).toHaveLength(1);
    for (const id of [two, assistant]) {
      expect(codesOf(await send(api, 'alice', query, { id, after: cursor }))).toEqual(['BAD_USER_INPUT']);
    }
  });
});

describe('a filter', () => {
  it('should require all of its conditions, and any of a list', async () => {
    const { api } = openApi();
    const assistant = await createAssistant(api, 'alice');
    const [idle, busy, failed] = [
      await createThread(api, 'alice', { k: 1 }),
      await createThread(api, 'alice', { k: 1 }),
      await createThread(api, 'alice', { k: 2 }),
    ];
    await createRun(api, 'alice', busy, assistant);
    await moveRun(api, 'alice', await createRun(api, 'alice', failed, assistant), 'TIMEOUT');
    const matches = async (filter: unknown) => new Set((await page(api, { filter })).ids);
    expect(await matches({ status: ['BUSY'] })).toEqual(new Set([busy]));
    expect(await matches({ status: ['ERROR', 'IDLE'] })).toEqual(new Set([idle, failed]));
    expect(await matches({ status: 'ERROR' })).toEqual(new Set([failed]));
    expect(await matches({ status: [] })).toEqual(new Set());
    expect(await matches({ ids: [] })).toEqual(new Set());
    expect(await matches({ ids: [idle, failed, idle, 'x'] })).toEqual(new Set([idle, failed]));
    expect(await matches({ ids: [idle, busy], status: ['BUSY', 'ERROR'], metadata: { k: 1 } })).toEqual(
      new Set([busy]),
    );
    expect(await matches({ metadata: {} })).toEqual(new Set([idle, busy, failed]));
    expect(await matches({})).toEqual(new Set([idle, busy, failed]));
  });

  it('should refuse more than 100 ids, in errors', async () => {
    const { api } = await given(1);
    const ids = Array.from({ length: 101 }, () => 'x');
    for (const list of ['assistants', 'threads', 'runs']) {
      const query = `query($ids: [ID!]) { ${list}(filter: {ids: $ids}) { totalCount } }`;
      expect(codesOf(await send(api, 'alice', query, { ids }))).toEqual(['BAD_USER_INPUT']);
      expect((await send(api, 'alice', query, { ids: ids.slice(1) })).body.data).toEqual({
        [list]: { totalCount: 0 },
      });
    }
  });

  it('should find assistants by graph, and by a part of the name in any case, taken literally', async () => {
    const { api } = openApi();
    for (const name of ['Alpha', 'ALPHABET', '100%', '1000', 'a_b', 'aXb', 'C:\\d', 'Straße']) {
      await createAssistant(api, 'alice', { name, graphId: name === 'Alpha' ? 'one' : 'two' });
    }
    const names = async (filter: unknown) =>
      valueAt(await send(api, 'alice', ASSISTANTS, { filter }), 'assistants');
    expect(await names({ nameContains: 'alpha' })).toEqual(found('ALPHABET', 'Alpha'));
    expect(await names({ nameContains: '0%' })).toEqual(found('100%'));
    expect(await names({ nameContains: 'A_B' })).toEqual(found('a_b'));
    expect(await names({ nameContains: ':\\' })).toEqual(found('C:\\d'));
    expect(await names({ nameContains: 'STRASSE' })).toEqual(found('Straße'));
    expect(await names({ nameContains: '\ud800' })).toEqual(found());
    expect(await names({ nameContains: 'alpha', graphId: 'one' })).toEqual(found('Alpha'));
    expect(await names({ graphId: 'ONE' })).toEqual(found());
    expect(await names({ graphId: '' })).toEqual(found());
    expect(await names({ nameContains: '' })).toMatchObject({ totalCount: 8 });
  });

  it('should be refused by the schema for statuses and keys that there are not', async () => {
    const { api } = await given(1);
    for (const filter of [
      { status: ['PENDING'] },
      { status: ['idle'] },
      { status: [null] },
      { owner: 'alice' },
      { metadata: [] },
    ]) {
      expect(new Set(codesOf(await send(api, 'alice', THREADS, { filter })))).toEqual(
        new Set(['BAD_USER_INPUT']),
      );
    }
  });
});

describe('an order', () => {
  it('should be by name by code point, by creation and by change, both ways', async () => {
    let time = Date.UTC(2026, 0, 1);
    const { api } = openApi({ now: () => ++time });
    const names = ['b', 'B', '\u{1f44d}', '\uff5e', 'a', 'a'];
    const ids: string[] = [];
    for (const name of names) ids.push(await createAssistant(api, 'alice', { name }));
    await send(
      api,
      'alice',
      'mutation($id: ID!) { updateAssistant(input: {id: $id}) { assistant { id } } }',
      { id: ids[0] },
    );
    const order = async (field: string, direction: string) =>
      listAt(
        await send(api, 'alice', ASSISTANTS, { orderBy: { field, direction } }),
        'assistants',
        'nodes',
      ).map((node) => Object(node).name);
    const byName = ['B', 'a', 'a', 'b', '\uff5e', '\u{1f44d}'];
    expect(await order('NAME', 'ASC')).toEqual(byName);
    expect(await order('NAME', 'DESC')).toEqual(byName.toReversed());
    expect(await order('CREATED_AT', 'ASC')).toEqual(names);
    expect(await order('CREATED_AT', 'DESC')).toEqual(names.toReversed());
    const byChange = [...names.slice(1), 'b'];
    expect(await order('UPDATED_AT', 'ASC')).toEqual(byChange);
    expect(await order('UPDATED_AT', 'DESC')).toEqual(byChange.toReversed());
  });

  it('should break ties by id, in its own direction', async () => {
    const { api, ids } = await given(8, { step: 0 });
    for (const field of ['CREATED_AT', 'UPDATED_AT']) {
      expect((await page(api, { orderBy: { field, direction: 'DESC' } })).ids).toEqual(ids);
      expect((await page(api, { orderBy: { field, direction: 'ASC' } })).ids).toEqual(ids.toReversed());
    }
  });

  it('should name a field and a direction', async () => {
    const { api } = await given(1);
    for (const orderBy of [
      {},
      { field: 'CREATED_AT' },
      { direction: 'ASC' },
      { field: 'NAME', direction: 'ASC' },
      null,
    ]) {
      expect(new Set(codesOf(await send(api, 'alice', THREADS, { orderBy })))).toEqual(
        new Set(['BAD_USER_INPUT']),
      );
    }
  });
});

describe('the runs of a thread and of an assistant', () => {
  it('should be lists of their own, with filter, order, pages and count', async () => {
    let time = Date.UTC(2026, 0, 1);
    const { api } = openApi({ now: () => ++time });
    const [x, y] = [await createAssistant(api, 'alice'), await createAssistant(api, 'alice')];
    const [one, two] = [await createThread(api, 'alice'), await createThread(api, 'alice')];
    const runs: string[] = [];
    for (const [thread, assistant] of [
      [one, x],
      [one, y],
      [two, x],
      [one, x],
    ] as const) {
      runs.push(await createRun(api, 'alice', thread, assistant, { n: runs.length }));
    }
    await moveRun(api, 'alice', runs[0] ?? '', 'SUCCESS');
    const query = `query($id: ID!, $filter: RunFilterInput, $orderBy: RunOrderInput! = {field: CREATED_AT, direction: DESC}, $first: Int, $after: String) {
      node(id: $id) {
        ... on Thread { runs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) { ...page } }
        ... on Assistant { runs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) { ...page } }
      }
    } fragment page on RunConnection { totalCount nodes { metadata } pageInfo { hasNextPage endCursor } }`;
    const ask = async (id: string, args: Record<string, unknown> = {}) => {
      const answer = await send(api, 'alice', query, { id, ...args });
      expect(answer.body.errors).toBeUndefined();
      return {
        total: valueAt(answer, 'node', 'runs', 'totalCount'),
        numbers: listAt(answer, 'node', 'runs', 'nodes').map((run) => Object(run).metadata.n),
        next: valueAt(answer, 'node', 'runs', 'pageInfo', 'hasNextPage'),
        end: valueAt(answer, 'node', 'runs', 'pageInfo', 'endCursor'),
      };
    };
    expect(await ask(one)).toMatchObject({ total: 3, numbers: [3, 1, 0] });
    expect(await ask(x)).toMatchObject({ total: 3, numbers: [3, 2, 0] });
    expect(await ask(one, { filter: { assistantId: x } })).toMatchObject({ total: 2, numbers: [3, 0] });
    expect(await ask(x, { filter: { threadId: two } })).toMatchObject({ total: 1, numbers: [2] });
    // A parent and a filter for another one are two conditions.
    expect(await ask(one, { filter: { threadId: two } })).toMatchObject({ total: 0, numbers: [] });
    expect(await ask(x, { filter: { assistantId: y } })).toMatchObject({ total: 0, numbers: [] });
    expect(await ask(one, { filter: { status: ['PENDING'], ids: runs } })).toMatchObject({
      total: 2,
      numbers: [3, 1],
    });
    expect(await ask(one, { filter: { metadata: { n: 1 } } })).toMatchObject({ total: 1, numbers: [1] });
    expect(await ask(one, { orderBy: { field: 'UPDATED_AT', direction: 'ASC' } })).toMatchObject({
      numbers: [1, 3, 0],
    });
    const first = await ask(one, { first: 2 });
    expect(first).toMatchObject({ total: 3, numbers: [3, 1], next: true });
    expect(await ask(one, { first: 2, after: first.end })).toMatchObject({
      total: 3,
      numbers: [0],
      next: false,
    });
    const all = await send(
      api,
      'alice',
      'query($t: ID, $a: ID) { runs(filter: {threadId: $t, assistantId: $a}) { totalCount } }',
      { t: one, a: x },
    );
    expect(all.body.data).toEqual({ runs: { totalCount: 2 } });
  });
});

describe('totalCount', () => {
  it('should be worked out only when it is asked for', async () => {
    const { stores } = openApi();
    let counted = 0;
    const threads = {
      ...stores.threads,
      count: (...args: Parameters<typeof stores.threads.count>) => {
        counted++;
        return stores.threads.count(...args);
      },
    };
    const { api } = openApi({ stores: { ...stores, threads } });
    await send(api, 'alice', '{ threads { nodes { id } edges { cursor } pageInfo { hasNextPage } } }');
    expect(counted).toBe(0);
    await send(api, 'alice', '{ threads { totalCount } }');
    expect(counted).toBe(1);
  });
});
