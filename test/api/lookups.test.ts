import { describe, expect, it } from 'vitest';
import { openApi, send } from '../support/api.ts';
import { codesOf, createAssistant, createRun, createThread } from '../support/requests.ts';

const UNKNOWN = '0123456789abcdef0123456789abcdef';

/** An API where alice has one resource of each type. */
async function given() {
  const { api } = openApi();
  const assistant = await createAssistant(api, 'alice');
  const thread = await createThread(api, 'alice');
  const run = await createRun(api, 'alice', thread, assistant);
  return { api, assistant, thread, run };
}

describe('a look-up by id', () => {
  it.each(['assistant', 'thread', 'run'] as const)(
    'should find an %s under its own field and as a node',
    async (type) => {
      const world = await given();
      const query = `query($id: ID!) { ${type}(id: $id) { id __typename } node(id: $id) { id __typename } }`;
      const found = { id: world[type], __typename: `${type[0]?.toUpperCase()}${type.slice(1)}` };
      const { status, body } = await send(world.api, 'alice', query, { id: world[type] });
      expect(status).toBe(200);
      expect(body).toEqual({ data: { [type]: found, node: found } });
    },
  );

  it('should answer null for the id of another type', async () => {
    const { api, assistant, thread, run } = await given();
    const query =
      'query($a: ID!, $b: ID!, $c: ID!) { assistant(id: $a) { id } thread(id: $b) { id } run(id: $c) { id } }';
    const { body } = await send(api, 'alice', query, { a: thread, b: run, c: assistant });
    expect(body).toEqual({ data: { assistant: null, thread: null, run: null } });
  });

  it('should link a run, its thread and its assistant', async () => {
    const { api, assistant, thread, run } = await given();
    const query = `query($id: ID!) { run(id: $id) {
      threadId assistantId thread { id runs { nodes { id } } } assistant { id runs { nodes { id } } }
    } }`;
    const { body } = await send(api, 'alice', query, { id: run });
    const runs = { nodes: [{ id: run }] };
    expect(body).toEqual({
      data: {
        run: {
          threadId: thread,
          assistantId: assistant,
          thread: { id: thread, runs },
          assistant: { id: assistant, runs },
        },
      },
    });
  });

  it('should give times in UTC with milliseconds, and ids of 32 lowercase hex digits of a UUID v4', async () => {
    const start = Date.parse('2026-02-03T04:05:06.007Z');
    const { api } = openApi({ now: () => start });
    const { body } = await send(
      api,
      'alice',
      'mutation { createThread { thread { id createdAt updatedAt } } }',
    );
    const time = '2026-02-03T04:05:06.007Z';
    expect(body.data).toEqual({
      createThread: {
        thread: {
          id: expect.stringMatching(/^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/),
          createdAt: time,
          updatedAt: time,
        },
      },
    });
  });
});

describe('nodes', () => {
  const query = 'query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }';

  it('should answer in the order asked for, all types mixed, null where there is none, and again where asked again', async () => {
    const { api, assistant, thread, run } = await given();
    const { body } = await send(api, 'alice', query, { ids: [run, UNKNOWN, thread, assistant, run, ''] });
    expect(body).toEqual({
      data: {
        nodes: [
          { id: run, __typename: 'Run' },
          null,
          { id: thread, __typename: 'Thread' },
          { id: assistant, __typename: 'Assistant' },
          { id: run, __typename: 'Run' },
          null,
        ],
      },
    });
  });

  it('should answer no ids with nothing, and one id as a list of it', async () => {
    const { api, run } = await given();
    expect((await send(api, 'alice', query, { ids: [] })).body).toEqual({ data: { nodes: [] } });
    expect((await send(api, 'alice', query, { ids: run })).body.data).toEqual({
      nodes: [{ id: run, __typename: 'Run' }],
    });
  });

  it('should take 100 ids and refuse 101, duplicates counted', async () => {
    const { api, thread } = await given();
    const full = await send(api, 'alice', query, { ids: Array.from({ length: 100 }, () => thread) });
    expect(full.body.errors).toBeUndefined();
    const over = await send(api, 'alice', query, { ids: Array.from({ length: 101 }, () => thread) });
    expect(codesOf(over)).toEqual(['BAD_USER_INPUT']);
    expect(over.body.data).toBeUndefined();
  });
});

describe('an id that is none', () => {
  const odd: [name: string, make: (id: string) => unknown][] = [
    ['empty', () => ''],
    ['blank', () => ' '],
    ['too long', (id) => id.repeat(200)],
    ['in upper case', (id) => id.toUpperCase()],
    ['with dashes', (id) => id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')],
    ['with a space behind', (id) => `${id} `],
    ['__proto__', () => '__proto__'],
    ['constructor', () => 'constructor'],
    ['a number', () => 12],
    ['a lone surrogate', () => '\ud800'],
    ['U+0000', (id) => `${id}\0`],
    ['an SQL quote', () => "' or 1=1 --"],
  ];

  it.each(odd)('should be answered as an unknown one: %s', async (_, make) => {
    const { api, assistant, thread, run } = await given();
    const query = `query($id: ID!) {
      node(id: $id) { id } nodes(ids: [$id]) { id }
      assistant(id: $id) { id } thread(id: $id) { id } run(id: $id) { id }
      assistants(filter: {ids: [$id]}) { totalCount } threads(filter: {ids: [$id]}) { totalCount }
      runs(filter: {ids: [$id]}) { totalCount }
      ofThread: runs(filter: {threadId: $id}) { totalCount } ofAssistant: runs(filter: {assistantId: $id}) { totalCount }
    }`;
    const mutation = `mutation($id: ID!, $thread: ID!, $assistant: ID!) {
      updateAssistant(input: {id: $id, name: "x"}) { assistant { id } userErrors { code } }
      updateThread(input: {id: $id, metadata: {a: 1}}) { thread { id } userErrors { code } }
      updateRun(input: {id: $id, status: SUCCESS}) { run { id } userErrors { code } }
      deleteAssistant(id: $id) { success assistant { id } userErrors { code } }
      deleteThread(id: $id) { success thread { id } userErrors { code } }
      deleteRun(id: $id) { success run { id } userErrors { code } }
      onThread: createRun(input: {threadId: $id, assistantId: $assistant}) { run { id } userErrors { code message field } }
      ofAssistant: createRun(input: {threadId: $thread, assistantId: $id}) { run { id } userErrors { code message field } }
    }`;
    for (const id of [assistant, thread, run].map(make)) {
      for (const document of [query, mutation]) {
        const unknown = await send(api, 'alice', document, { id: UNKNOWN, thread, assistant });
        const answer = await send(api, 'alice', document, { id, thread, assistant });
        expect(unknown.body.errors).toBeUndefined();
        expect(answer.text).toBe(unknown.text);
        expect(answer.status).toBe(unknown.status);
      }
    }
  });

  it('should be refused by the schema when it is no string and no integer', async () => {
    const { api } = await given();
    for (const id of [1.5, true, {}, ['a', 'b'], null]) {
      const answer = await send(api, 'alice', 'query($id: ID!) { thread(id: $id) { id } }', { id });
      expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    }
    const literal = await send(api, 'alice', '{ thread(id: true) { id } }');
    expect(codesOf(literal)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  });
});
