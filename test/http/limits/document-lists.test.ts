import { getNullableType, isInputObjectType, isListType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../../src/schema/schema.ts';
import { openApi, send } from '../../support/api.ts';
import { codesOf } from '../../support/requests.ts';
import { many, refusalOf, refused } from './refusal.ts';

/** Each list that a client can give, but for those within JSON, which are bounded by its size. */
const LISTS = {
  'AssistantFilterInput.ids': [
    '[ID!]',
    (value: string) => `assistants(filter: {ids: ${value}}) { totalCount }`,
  ],
  'Query.nodes.ids': ['[ID!]!', (value: string) => `nodes(ids: ${value}) { id }`],
  'RunFilterInput.ids': ['[ID!]', (value: string) => `runs(filter: {ids: ${value}}) { totalCount }`],
  'RunFilterInput.status': [
    '[RunStatus!]',
    (value: string) => `runs(filter: {status: ${value}}) { totalCount }`,
  ],
  'ThreadFilterInput.ids': ['[ID!]', (value: string) => `threads(filter: {ids: ${value}}) { totalCount }`],
  'ThreadFilterInput.status': [
    '[ThreadStatus!]',
    (value: string) => `threads(filter: {status: ${value}}) { totalCount }`,
  ],
} as const;

/** Those of the calls of workers: see test/api/workers.test.ts. */
const WORKERS_LISTS = [
  'AppendRunEventsInput.events',
  'ClaimRunsInput.graphIds',
  'HeartbeatRunsInput.leases',
  'ReleaseRunsInput.leases',
];

describe.each(Object.entries(LISTS))('the list %s', (name, [type, ask]) => {
  const item = name.endsWith('status') ? 'ERROR' : 'a1';

  it('should be accepted with 100 values', async () => {
    const { api } = openApi();
    for (const answer of await both(api, 100)) expect(answer.body.errors).toBeUndefined();
  });

  it('should be refused with 101', async () => {
    const { api } = openApi();
    for (const answer of await both(api, 101)) {
      expect(await refusalOf(api, answer)).toEqual(refused('BAD_USER_INPUT', '101 ', 400));
      expect(answer.body.errors?.[0]?.message).toContain('at most 100 are accepted');
    }
  });

  /** By literal, and by variable. */
  async function both(api: ReturnType<typeof openApi>['api'], count: number) {
    const literal = `[${many(count, () => (item === 'ERROR' ? item : JSON.stringify(item)))}]`;
    return [
      await send(api, 'alice', `{ ${ask(literal)} }`),
      await send(api, 'alice', `query($v: ${type}) { ${ask('$v')} }`, { v: Array(count).fill(item) }),
    ];
  }
});

it('should be all lists that there are', () => {
  const found = Object.values(schema.getTypeMap()).flatMap((type) => {
    if (type.name.startsWith('__')) return [];
    if (isInputObjectType(type)) {
      return Object.values(type.getFields())
        .filter((field) => isListType(getNullableType(field.type)))
        .map((field) => `${type.name}.${field.name}`);
    }
    if (!isObjectType(type)) return [];
    return Object.values(type.getFields()).flatMap((field) =>
      field.args
        .filter((argument) => isListType(getNullableType(argument.type)))
        .map((argument) => `${type.name}.${field.name}.${argument.name}`),
    );
  });
  expect(found.toSorted()).toEqual([...Object.keys(LISTS), ...WORKERS_LISTS].toSorted());
});

it.each([
  ['literal', `"${'x'.repeat(5)}"`],
  ['variable', null],
])('should refuse a list before a mutation is done: %s', async (_, item) => {
  const { api } = openApi();
  const ids = Array.from({ length: 101 }, () => 'x');
  const list = item === null ? '$ids' : JSON.stringify(ids);
  const document = `mutation ${item === null ? '($ids: [ID!])' : ''} { createThread { thread { runs(filter: {ids: ${list}}) { totalCount } } } }`;
  const answer = await send(api, 'alice', document, item === null ? { ids } : undefined);
  expect(await refusalOf(api, answer)).toEqual(refused('BAD_USER_INPUT', '101 ', 400));
  expect((await send(api, 'alice', '{ threads { totalCount } }')).body.data).toEqual({
    threads: { totalCount: 0 },
  });
});

/** Variables with a filter of unknown keys. */
function withKeys(count: number) {
  return { filter: Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, 1])) };
}

describe('an input object with more keys than any has', () => {
  const query = 'query($filter: RunFilterInput) { runs(filter: $filter) { totalCount } }';

  it('should be looked at with 100', async () => {
    const { api } = openApi();
    const answer = await send(api, 'alice', query, withKeys(100));
    expect(codesOf(answer)).toContain('BAD_USER_INPUT');
    expect(answer.text).not.toContain('100 keys');
  });

  it.each([101, 60_000])('should be refused as a whole with %d', async (count) => {
    const { api } = openApi();
    const answer = await send(api, 'alice', query, withKeys(count));
    expect(await refusalOf(api, answer)).toEqual(refused('BAD_USER_INPUT', `${count} keys`, 400));
  });
});
