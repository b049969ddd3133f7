import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Stores } from '../../src/store/stores.ts';
import { createMemoryStores } from '../../src/store/memory/stores.ts';
import { type Answer, openApi, send } from '../support/api.ts';
import { THEN, createAssistant, createRun, createThread, moveRun } from '../support/requests.ts';

/** Whatever the API answers, `send` compares both ways byte for byte: here only the documents are made. */
const memory = createMemoryStores();
const ids: string[] = [];

beforeAll(async () => {
  const { api } = openApi({ stores: memory });
  const assistant = await createAssistant(api, 'alice', { metadata: THEN });
  for (let i = 0; i < 3; i++) {
    const thread = await createThread(api, 'alice', { i, ключ: '"\u2028' });
    const run = await createRun(api, 'alice', thread, assistant);
    if (i === 1) await moveRun(api, 'alice', run, 'ERROR');
    ids.push(thread, run);
  }
  ids.push(assistant);
});

describe('documents made at random', { timeout: 120_000 }, () => {
  it.each(['at once', 'by promises'])(
    'should be answered the same both ways, from stores that answer %s',
    async (how) => {
      const { api } = openApi({ stores: faulty(memory, how === 'by promises') });
      const seen: Answer[] = [];
      await fc.assert(
        fc.asyncProperty(documents, variables(), async (text, given) => {
          seen.push(await send(api, 'alice', text, given));
        }),
        { numRuns: 500 },
      );
      // Otherwise nothing much was compared.
      const having = (part: string): number => seen.filter(({ text }) => text.includes(part)).length;
      expect(having('"data":{')).toBeGreaterThan(20);
      expect(having('"path":')).toBeGreaterThan(0);
    },
  );
});

const VARIABLES = '($id: ID!, $ids: [ID!]! = [], $n: Int, $yes: Boolean!, $no: Boolean! = false)';

function variables() {
  return fc.record(
    {
      id: fc.oneof(
        fc.nat(6).map((index) => ids[index] ?? ''),
        fc.constant('nobody'),
      ),
      ids: fc.array(
        fc.nat(6).map((index) => ids[index] ?? 'none'),
        { maxLength: 4 },
      ),
      n: fc.constantFrom(0, 1, 2, 2, 3, 101, null),
      yes: fc.boolean(),
      no: fc.boolean(),
    },
    { requiredKeys: ['id', 'yes'] },
  );
}

const condition = fc.constantFrom(
  '',
  '',
  '',
  '@include(if: $yes)',
  '@skip(if: $yes)',
  '@skip(if: $no)',
  '@include(if: false)',
);
const alias = fc.constantFrom('', '', '', 'a: ', 'then: ', 'toJSON: ');

function field(text: string): fc.Arbitrary<string> {
  return fc.tuple(alias, condition).map(([name, when]) => `${name}${text} ${when}`);
}

function within(before: string, inner: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(alias, condition, inner)
    .map(([name, when, body]) => `${name}${before} ${when} { ${body} }`);
}

function some(...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.array(fc.oneof(...parts), { minLength: 1, maxLength: 4 }).map((all) => all.join(' '));
}

const own = fc.constantFrom('id', 'metadata', 'createdAt', '__typename').chain(field);
const assistant = some(own, fc.constantFrom('name', 'version', 'description', 'config').chain(field));
const run: fc.Arbitrary<string> = some(
  own,
  field('status'),
  within('assistant', assistant),
  within('thread', some(own, field('status'))),
  fc.constant('...R'),
);
const page = (inner: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  some(
    field('totalCount'),
    within('nodes', inner),
    within('edges', some(field('cursor'), within('node', inner))),
    within('pageInfo', fc.constant('hasNextPage endCursor')),
  );
const thread = some(own, field('status'), within('runs(first: $n)', page(run)), fc.constant('...T'));
const node = some(
  field('id'),
  field('__typename'),
  thread.map((inner) => `... on Thread { ${inner} }`),
  fc.tuple(condition, assistant).map(([when, inner]) => `... on Assistant ${when} { ${inner} }`),
  fc.constant('...N'),
);
const operation = some(
  within('node(id: $id)', node),
  within('nodes(ids: $ids)', node),
  within('thread(id: $id)', thread),
  within('run(id: $id)', run),
  within('threads(first: $n)', page(thread)),
  within('assistants', page(assistant)),
);
const documents = operation.map(
  (inner) =>
    `query Q${VARIABLES} { x: node(id: $id) @skip(if: $no) @include(if: $yes) { id } y: nodes(ids: $ids) { id }
      z: threads(first: $n) @include(if: false) { totalCount } ${inner} u: thread(id: "") { ...T } v: run(id: "") { ...R } w: node(id: "") { ...N } }
    fragment T on Thread { status metadata }
    fragment R on Run { status threadId assistant { id } }
    fragment N on Node { id __typename }`,
);

/** Stores in which some look-ups fail, by whom they are asked for. */
function faulty(stores: Stores, later: boolean): Stores {
  const answer = <T>(work: () => T | Promise<T>): T | Promise<T> =>
    later ? Promise.resolve().then(work) : work();
  let asked = 0;
  return {
    ...stores,
    assistants: {
      ...stores.assistants,
      get: (owner, id) =>
        answer(() => {
          asked++;
          if (asked % 2 === 0) throw new Error('The disk is full.');
          return stores.assistants.get(owner, id);
        }),
    },
    threads: {
      ...stores.threads,
      get: (owner, id) => answer(() => stores.threads.get(owner, id)),
      list: (owner, query) => answer(() => stores.threads.list(owner, query)),
      count: (owner, filter) =>
        answer(() => {
          asked++;
          if (asked % 3 === 0) throw new Error('The disk is full.');
          return stores.threads.count(owner, filter);
        }),
    },
    runs: {
      ...stores.runs,
      get: (owner, id) => answer(() => stores.runs.get(owner, id)),
      list: (owner, query) => answer(() => stores.runs.list(owner, query)),
    },
  };
}
