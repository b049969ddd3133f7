import * as fc from 'fast-check';
import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { measureDocument, MOST } from '../../../src/graphql/limits/document-size.ts';
import { schema } from '../../../src/schema/schema.ts';
import { openApi, send } from '../../support/api.ts';
import { many, refusalOf, refused, untouchable } from './refusal.ts';

function costOf(query: string, variables?: Record<string, unknown>): number | undefined {
  return measureDocument(schema, parse(query), variables).operations[0]?.cost;
}

const PAGE = 'edges { cursor node { id } } nodes { id } pageInfo { hasNextPage } totalCount';

describe('the cost of a request', () => {
  it.each([
    ['nothing for scalars', '{ __typename }', 0],
    ['an object', '{ thread(id: 1) { id metadata } }', 1],
    ['an object of any type', '{ node(id: 1) { id ... on Run { thread { id } assistant { id } } } }', 3],
    [
      'a connection, its 20 edges with their nodes, its 20 nodes, and its pageInfo',
      `{ threads { ${PAGE} } }`,
      62,
    ],
    ['a page forward', `{ threads(first: 3) { ${PAGE} } }`, 11],
    ['a page backward', `{ threads(last: 3) { ${PAGE} } }`, 11],
    ['a page before a cursor', '{ threads(before: "x") { nodes { id } } }', 21],
    ['an empty page', '{ threads(first: 0) { nodes { runs { nodes { id } } } } }', 1],
    ['a page of null', '{ threads(first: null) { nodes { id } } }', 21],
    ['the larger of two sizes', '{ threads(first: 2, last: 3) { nodes { id } } }', 4],
    ['the most for a negative page', '{ threads(first: -1) { nodes { id } } }', 101],
    ['the most for a page that is too large', '{ threads(first: 101) { nodes { id } } }', 101],
    ['the most for a page that is no number', '{ threads(first: "3") { nodes { id } } }', 101],
    [
      'the ids of nodes',
      '{ nodes(ids: [1, 2, 3]) { id ... on Thread { runs(first: 2) { nodes { id } } } } }',
      12,
    ],
    ['an id of nodes', '{ nodes(ids: 1) { id } }', 1],
    [
      'pages within pages',
      '{ threads(first: 3) { nodes { runs(first: 4) { nodes { assistant { id } } } } } }',
      31,
    ],
    ['each alias', '{ a: thread(id: 1) { id } b: thread(id: 1) { id } }', 2],
    [
      'a fragment by the page that it is spread in',
      '{ threads(first: 2) { ...a } more: threads(first: 3) { ...a } } fragment a on ThreadConnection { nodes { id } }',
      7,
    ],
    [
      'a mutation',
      'mutation { createThread { thread { runs(first: 2) { nodes { id } } } userErrors { code } } }',
      25,
    ],
    ['an event', 'subscription { runChanged { run { thread { id } } } }', 3],
    ['nothing for introspection', '{ __schema { types { name fields { name } } } }', 0],
  ])('should be %s', (_, query, cost) => {
    expect(costOf(query)).toBe(cost);
  });

  it.each([
    [{}, 20],
    [{ n: null }, 20],
    [{ n: 7 }, 7],
    [{ n: 0 }, 0],
    [{ n: -1 }, 100],
    [{ n: 101 }, 100],
    [{ n: '7' }, 100],
    [{ n: [7] }, 100],
    [{ n: NaN }, 100],
    [JSON.parse('{"__proto__": {"n": 7}}'), 20],
  ])('should follow a variable: %j', (variables, size) => {
    expect(costOf('query($n: Int) { threads(first: $n) { nodes { id } } }', variables)).toBe(1 + size);
    expect(costOf('query($n: Int) { threads(last: $n) { nodes { id } } }', variables)).toBe(1 + size);
  });

  it.each([
    [{}, 9],
    [{ n: null }, 20],
    [{ n: 7 }, 7],
  ])('should follow the default of a variable: %j', (variables, size) => {
    expect(costOf('query($n: Int = 9) { threads(first: $n) { nodes { id } } }', variables)).toBe(1 + size);
  });

  it.each([
    [{ ids: ['1', '2'] }, 2],
    [{ ids: '1' }, 1],
    [{ ids: Array(100).fill('1') }, 100],
    [{ ids: Array(5_000).fill('1') }, 100],
    [{}, 0],
  ])('should follow a variable of ids', (variables, cost) => {
    expect(costOf('query($ids: [ID!]!) { nodes(ids: $ids) { id } }', variables)).toBe(cost);
  });

  it('should take the largest default where operations differ', () => {
    const threads = 'threads(first: $n) { nodes { id } }';
    const sizes = measureDocument(
      schema,
      parse(`query A($n: Int = 5) { ${threads} } query B($n: Int = 50) { ${threads} }`),
      {},
    ).operations;
    expect(sizes.map(({ cost }) => cost)).toEqual([51, 51]);
  });
});

// The connection, 99 threads, of each a connection, and of each n runs.
const literal = (n: number, rest: number) =>
  `{ threads(first: 99) { nodes { runs(first: ${n}) { nodes { id } } } } nodes(ids: [${many(rest, () => '1')}]) { id } }`;
const byVariable =
  'query Q($n: Int, $ids: [ID!]!) { ...a nodes(ids: $ids) { id } } fragment a on Query { threads(first: 99) { ...b } } fragment b on ThreadConnection { nodes { ... { runs(first: $n) { nodes { id } } } } }';
const ids = (count: number) => Array.from({ length: count }, () => '1');

describe('the limit of cost', () => {
  it('should serve a request that could return 10,000 objects', async () => {
    // 1 + 99 × (1 + 1 + 99) = 10,000
    const { api } = openApi();
    for (const answer of [
      await send(api, 'alice', literal(99, 0)),
      await send(api, 'alice', byVariable, { n: 99, ids: [] }),
    ]) {
      expect(answer.body.errors).toBeUndefined();
      expect(answer.body.data).toEqual({ threads: { nodes: [] }, nodes: [] });
    }
  });

  it('should refuse one object more, before a store is touched', async () => {
    const { api } = openApi({ stores: untouchable() });
    for (const answer of [
      await send(api, 'alice', literal(99, 1)),
      await send(api, 'alice', byVariable, { n: 99, ids: ids(1) }),
    ]) {
      expect(await refusalOf(api, answer)).toEqual(
        refused(
          'LIMIT_EXCEEDED',
          'The request could return 10,001 objects: at most 10,000 are accepted. Ask for smaller pages.',
        ),
      );
    }
  });

  it('should hold for a mutation and for the operation that does not run', async () => {
    const { api } = openApi({ stores: untouchable() });
    for (const query of [
      'mutation { createAssistant(input: {graphId: "g"}) { assistant { runs(first: 100) { nodes { thread { runs(first: 100) { nodes { id } } } } } } } }',
      `query Other ${literal(100, 0)} query Q { __typename }`,
    ]) {
      expect(await refusalOf(api, await send(api, 'alice', query))).toEqual(
        refused('LIMIT_EXCEEDED', 'objects'),
      );
    }
  });

  it('should not be passed by a screen of 20 threads with 20 runs each and their assistants', async () => {
    const { api } = openApi();
    const assistant = '__typename id assistant { __typename id name }';
    const runs = `runs(first: 20) { __typename edges { __typename cursor node { ${assistant} } } nodes { ${assistant} } pageInfo { __typename hasNextPage endCursor } }`;
    const screen = `{ __typename threads(first: 20) { __typename totalCount edges { __typename cursor node { __typename id ${runs} } } nodes { __typename id ${runs} } pageInfo { __typename hasNextPage endCursor } } }`;
    const { body } = await send(api, 'alice', screen);
    expect(body.errors).toBeUndefined();
    expect(costOf(screen)).toBe(4_142);
  });
});

describe('measuring', () => {
  it('should count directives wherever they are, as often as they are evaluated', () => {
    const { operations } = measureDocument(
      schema,
      parse('query($a: Int @d) @d { ...f @d ...f } fragment f on Query @d { __typename @d }'),
      {},
    );
    expect(operations[0]?.directives).toBe(7);
  });

  it('should count fragments that nobody uses', () => {
    const { selections } = measureDocument(
      schema,
      parse('{ id } fragment a on Query { id ...b } fragment b on Query { id id }'),
      {},
    );
    expect(selections).toBe(7);
  });

  it('should take no name for a variable that was not given', () => {
    expect(costOf('query($constructor: Int) { threads(first: $constructor) { nodes { id } } }', {})).toBe(21);
  });

  it('should find what a naive expansion finds', () => {
    fc.assert(
      fc.property(part('Query', 3), fc.integer({ min: 0, max: 100 }), (root, n) => {
        const fragments: string[] = [];
        const query = `query($n: Int, $d: Int = 7) { ${root.print(fragments)} } ${fragments.join(' ')}`;
        const { operations, selections } = measureDocument(schema, parse(query), { n });
        expect(operations[0]).toMatchObject({
          cost: Math.min(MOST, root.cost(20, n)),
          depth: root.depth,
        });
        expect(selections).toBe(root.selections);
      }),
      { numRuns: 200 },
    );
  });
});

/** A part of a document as it is generated. */
interface Part {
  print(fragments: string[]): string;
  /** @param page the size of the page that it is part of @param n what the variable is */
  cost(page: number, n: number): number;
  readonly depth: number;
  readonly selections: number;
}

type Parent = 'Query' | 'Thread' | 'Run' | 'Assistant';

const PAGES = {
  Query: [
    ['threads', 'Thread'],
    ['runs', 'Run'],
    ['assistants', 'Assistant'],
  ],
  Thread: [['runs', 'Run']],
  Run: [],
  Assistant: [['runs', 'Run']],
} as const satisfies Record<Parent, readonly (readonly [field: string, of: Parent])[]>;

const OBJECTS = {
  Query: [
    ['thread(id: 1)', 'Thread'],
    ['run(id: 1)', 'Run'],
  ],
  Thread: [],
  Run: [
    ['thread', 'Thread'],
    ['assistant', 'Assistant'],
  ],
  Assistant: [],
} as const satisfies Record<Parent, readonly (readonly [field: string, of: Parent])[]>;

const leaf: Part = { print: () => '__typename', cost: () => 0, depth: 1, selections: 1 };

/** What is asked of a type: fields, some of them in fragments. */
function part(parent: Parent, levels: number): fc.Arbitrary<Part> {
  if (levels === 0) return fc.constant(leaf);
  const fields = [
    fc.constant(leaf),
    ...OBJECTS[parent].map(([field, of]) => part(of, levels - 1).map((inner) => object(field, inner))),
    ...PAGES[parent].map(([field, of]) =>
      fc.tuple(size, wrapped(`${of}Connection`, items(of, levels - 1))).map(([args, inner]) => ({
        ...object(`${field}${args.text}`, inner),
        cost: (_: number, n: number) => 1 + inner.cost(args.of(n), n),
      })),
    ),
  ];
  return wrapped(parent, fc.array(fc.oneof(...fields), { minLength: 1, maxLength: 3 }).map(together));
}

/** What is asked of a connection. */
function items(of: Parent, levels: number): fc.Arbitrary<Part> {
  const list = (field: string, inner: Part): Part => ({
    ...object(field, inner),
    cost: (page, n) => Array.from({ length: page }, () => 1 + inner.cost(20, n)).reduce((a, b) => a + b, 0),
  });
  const item = part(of, levels);
  return fc
    .array(
      fc.oneof(
        fc.constant(object('pageInfo', leaf)),
        item.map((inner) => list('nodes', inner)),
        item.map((inner) => list('edges', object('node', inner))),
      ),
      { minLength: 1, maxLength: 2 },
    )
    .map(together);
}

function object(field: string, inner: Part): Part {
  return {
    print: (fragments) => `${field} { ${inner.print(fragments)} }`,
    cost: (_, n) => 1 + inner.cost(20, n),
    depth: 1 + inner.depth,
    selections: 1 + inner.selections,
  };
}

function together(parts: readonly Part[]): Part {
  return {
    print: (fragments) => parts.map((each) => each.print(fragments)).join(' '),
    cost: (page, n) => parts.reduce((total, each) => total + each.cost(page, n), 0),
    depth: Math.max(...parts.map((each) => each.depth)),
    selections: parts.reduce((total, each) => total + each.selections, 0),
  };
}

/** The same as it is, in an inline fragment, or in a fragment that is spread up to three times. */
function wrapped(type: string, inner: fc.Arbitrary<Part>): fc.Arbitrary<Part> {
  return fc.tuple(inner, fc.constantFrom('', 'inline', 'typed', 1, 2, 3)).map(([of, how]) => {
    if (how === '') return of;
    if (typeof how === 'string') {
      const open = how === 'inline' ? '...' : `... on ${type}`;
      return {
        ...of,
        print: (fragments) => `${open} { ${of.print(fragments)} }`,
        selections: 1 + of.selections,
      };
    }
    return {
      print(fragments) {
        const text = of.print(fragments);
        const name = `f${fragments.length}`;
        fragments.push(`fragment ${name} on ${type} { ${text} }`);
        return many(how, () => `...${name}`);
      },
      cost: (page, n) => how * of.cost(page, n),
      depth: of.depth,
      selections: how * (1 + of.selections),
    };
  });
}

const size = fc.oneof(
  fc.constant({ text: '', of: () => 20 }),
  fc.constant({ text: '(first: $n)', of: (n: number) => n }),
  fc.constant({ text: '(last: $d)', of: () => 7 }),
  fc.constant({ text: '(first: -5)', of: () => 100 }),
  fc.integer({ min: 0, max: 100 }).map((first) => ({ text: `(first: ${first})`, of: () => first })),
);
