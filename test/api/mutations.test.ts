import { describe, expect, it } from 'vitest';
import { openApi, send } from '../support/api.ts';
import { codesOf, createAssistant, createRun, createThread, textAt, valueAt } from '../support/requests.ts';

const UNKNOWN = '0123456789abcdef0123456789abcdef';
const ASSISTANT = 'id graphId name description config context metadata version createdAt updatedAt';
const CREATE = `mutation($input: CreateAssistantInput!) {
  createAssistant(input: $input) { assistant { ${ASSISTANT} } userErrors { code message field } }
}`;
const UPDATE = `mutation($input: UpdateAssistantInput!) {
  updateAssistant(input: $input) { assistant { ${ASSISTANT} } userErrors { code message field } }
}`;
const UPDATE_THREAD = `mutation($input: UpdateThreadInput!) {
  updateThread(input: $input) { thread { id metadata status createdAt updatedAt } userErrors { code message field } }
}`;
const UPDATE_RUN = `mutation($input: UpdateRunInput!) {
  updateRun(input: $input) { run { id metadata status updatedAt } userErrors { code message field } }
}`;

function invalid(key: string) {
  return [{ code: 'INVALID', field: ['input', key] }];
}

/** A clock that moves one millisecond each time it is read. */
function ticking() {
  let time = Date.UTC(2026, 0, 1);
  return { now: () => time++ };
}

describe('creating an assistant', () => {
  it('should fill in what is left out', async () => {
    const { api } = openApi({ now: () => Date.UTC(2026, 0, 1) });
    const { status, body } = await send(api, 'alice', CREATE, { input: { graphId: 'support' } });
    expect(status).toBe(200);
    expect(body).toEqual({
      data: {
        createAssistant: {
          assistant: {
            id: expect.stringMatching(/^[0-9a-f]{32}$/),
            graphId: 'support',
            name: 'Untitled',
            description: null,
            config: {},
            context: {},
            metadata: { owner: 'alice' },
            version: 1,
            createdAt: '2026-01-01T00:00:00.000Z',
            updatedAt: '2026-01-01T00:00:00.000Z',
          },
          userErrors: [],
        },
      },
    });
  });

  it('should store what is given, and stamp the owner over what the client says', async () => {
    const { api } = openApi();
    const input = {
      graphId: '  g ',
      name: '名前 👩‍🚀',
      description: '',
      config: { temperature: 0.5 },
      context: { list: [1, null, 'x'] },
      metadata: { team: 'x', nothing: null, owner: 'bob' },
    };
    const answer = await send(api, 'alice', CREATE, { input });
    expect(valueAt(answer, 'createAssistant', 'assistant')).toMatchObject({
      ...input,
      metadata: { team: 'x', nothing: null, owner: 'alice' },
    });
  });

  it.each([
    [{ graphId: '' }, ['graphId']],
    [{ graphId: ' \n\t' }, ['graphId']],
    [{ graphId: 'x'.repeat(257) }, ['graphId']],
    [{ graphId: 'a\0b' }, ['graphId']],
    [{ graphId: '\ud800' }, ['graphId']],
    [{ graphId: 'g', name: '' }, ['name']],
    [{ graphId: 'g', name: 'x'.repeat(257) }, ['name']],
    [{ graphId: 'g', name: null }, ['name']],
    [{ graphId: 'g', description: 'x'.repeat(4097) }, ['description']],
    [{ graphId: 'g', description: '\udc00' }, ['description']],
    [{ graphId: 'g', config: null }, ['config']],
    [{ graphId: 'g', context: null }, ['context']],
    [{ graphId: 'g', metadata: null }, ['metadata']],
    [{ graphId: 'g', metadata: { a: 'x'.repeat(70_000) } }, ['metadata']],
    [{ graphId: 'g', config: { a: 'x'.repeat(70_000) } }, ['config']],
    [{ graphId: 'g', context: { 'a\0': 1 } }, ['context']],
    [{ graphId: '', name: '', config: null }, ['graphId', 'name', 'config']],
  ])('should refuse %j as INVALID, and store nothing', async (input, keys) => {
    const { api } = openApi();
    const answer = await send(api, 'alice', CREATE, { input });
    expect(answer.status).toBe(200);
    expect(answer.body.errors).toBeUndefined();
    expect(valueAt(answer, 'createAssistant')).toEqual({
      assistant: null,
      userErrors: keys.map((key) => ({
        code: 'INVALID',
        message: expect.any(String),
        field: ['input', key],
      })),
    });
    expect((await send(api, 'alice', '{ assistants { totalCount } }')).body.data).toEqual({
      assistants: { totalCount: 0 },
    });
  });

  it('should count characters as code points', async () => {
    const { api } = openApi();
    const input = { graphId: '👍'.repeat(256), name: '👍'.repeat(256), description: '👍'.repeat(4096) };
    const answer = await send(api, 'alice', CREATE, { input });
    expect(valueAt(answer, 'createAssistant', 'assistant')).toMatchObject(input);
  });

  it('should leave to GraphQL what does not fit the schema', async () => {
    const { api } = openApi();
    for (const input of [{}, { graphId: null }, { graphId: 1 }, { graphId: 'g', version: 2 }, null, 'g']) {
      expect(codesOf(await send(api, 'alice', CREATE, { input }))).toEqual(['BAD_USER_INPUT']);
    }
    for (const literal of ['{}', '{graphId: null}', '{graphId: 1}', '{graphId: "g", version: 2}']) {
      const answer = await send(
        api,
        'alice',
        `mutation { createAssistant(input: ${literal}) { assistant { id } } }`,
      );
      expect(codesOf(answer)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    }
  });
});

describe('updating an assistant', () => {
  it('should change what it names and nothing else, and add 1 to the version', async () => {
    const { api } = openApi(ticking());
    const created = await send(api, 'alice', CREATE, {
      input: {
        graphId: 'g',
        name: 'n',
        description: 'd',
        config: { a: 1 },
        context: { b: 1 },
        metadata: { c: 1 },
      },
    });
    const before = valueAt(created, 'createAssistant', 'assistant');
    const id = textAt(created, 'createAssistant', 'assistant', 'id');
    const answer = await send(api, 'alice', UPDATE, { input: { id, name: 'new', config: { z: 1 } } });
    const after = valueAt(answer, 'updateAssistant', 'assistant');
    expect(after).toEqual(
      Object.assign({}, before, { name: 'new', config: { z: 1 }, version: 2, updatedAt: expect.any(String) }),
    );
    expect(
      textAt(answer, 'updateAssistant', 'assistant', 'updatedAt') >
        textAt(created, 'createAssistant', 'assistant', 'createdAt'),
    ).toBe(true);
    const read = await send(api, 'alice', `query($id: ID!) { assistant(id: $id) { ${ASSISTANT} } }`, { id });
    expect(valueAt(read, 'assistant')).toEqual(after);
  });

  it('should add 1 to the version and move updatedAt also when it names no field, on a clock that stands still', async () => {
    const { api } = openApi({ now: () => Date.UTC(2026, 0, 1) });
    const id = await createAssistant(api, 'alice');
    const versions: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      versions.push(
        valueAt(await send(api, 'alice', UPDATE, { input: { id } }), 'updateAssistant', 'assistant'),
      );
    }
    expect(versions).toMatchObject([
      { version: 2, updatedAt: '2026-01-01T00:00:00.001Z' },
      { version: 3, updatedAt: '2026-01-01T00:00:00.002Z' },
      { version: 4, updatedAt: '2026-01-01T00:00:00.003Z' },
    ]);
  });

  it('should clear the description with null, and refuse null for anything else', async () => {
    const { api } = openApi();
    const id = await createAssistant(api, 'alice', { description: 'd', name: 'n' });
    const cleared = await send(api, 'alice', UPDATE, { input: { id, description: null } });
    expect(valueAt(cleared, 'updateAssistant', 'assistant')).toMatchObject({ description: null, version: 2 });
    const keys = ['graphId', 'name', 'config', 'context', 'metadata'];
    for (const key of keys) {
      const refused = await send(api, 'alice', UPDATE, { input: { id, description: 'new', [key]: null } });
      expect(valueAt(refused, 'updateAssistant')).toMatchObject({
        assistant: null,
        userErrors: [{ code: 'INVALID', field: ['input', key] }],
      });
    }
    const read = await send(api, 'alice', 'query($id: ID!) { assistant(id: $id) { description version } }', {
      id,
    });
    expect(valueAt(read, 'assistant')).toEqual({ description: null, version: 2 });
  });

  it('should answer null without an error where there is no such assistant', async () => {
    const { api } = openApi();
    const answer = await send(api, 'alice', UPDATE, { input: { id: UNKNOWN, name: 'x' } });
    expect(answer.body).toEqual({ data: { updateAssistant: { assistant: null, userErrors: [] } } });
  });

  it('should need an id', async () => {
    const { api } = openApi();
    expect(codesOf(await send(api, 'alice', UPDATE, { input: { name: 'x' } }))).toEqual(['BAD_USER_INPUT']);
  });
});

describe('metadata of each type', () => {
  const types: [
    name: string,
    create: (api: ReturnType<typeof openApi>['api'], metadata: unknown) => Promise<string>,
    update: (input: unknown) => [document: string, field: string, resource: string, input: unknown],
  ][] = [
    [
      'assistant',
      (api, metadata) => createAssistant(api, 'alice', { metadata }),
      (input) => [UPDATE, 'updateAssistant', 'assistant', input],
    ],
    [
      'thread',
      (api, metadata) => createThread(api, 'alice', metadata),
      (input) => [UPDATE_THREAD, 'updateThread', 'thread', input],
    ],
    [
      'run',
      async (api, metadata) =>
        createRun(
          api,
          'alice',
          await createThread(api, 'alice'),
          await createAssistant(api, 'alice'),
          metadata,
        ),
      (input) => [UPDATE_RUN, 'updateRun', 'run', input],
    ],
  ];

  it.each(types)('should be merged one level deep: %s', async (_, create, update) => {
    const { api } = openApi();
    const id = await create(api, { keep: 1, deep: { a: 1 }, gone: 1, none: null, list: [1, 2] });
    const metadata = {
      deep: { b: 2 },
      gone: null,
      list: [3],
      fresh: { x: null },
      owner: 'mallory',
      absent: null,
    };
    const [document, field, resource, input] = update({ id, metadata });
    const answer = await send(api, 'alice', document, { input });
    expect(valueAt(answer, field, resource, 'metadata')).toEqual({
      keep: 1,
      deep: { b: 2 },
      none: null,
      list: [3],
      fresh: { x: null },
      owner: 'alice',
    });
  });

  it.each(types)('should keep its owner, whatever an update says: %s', async (_, create, update) => {
    const { api } = openApi();
    const id = await create(api, { a: 1 });
    for (const said of ['bob', null, 7, {}, 'x'.repeat(100_000), '\0']) {
      const [document, field, resource, input] = update({ id, metadata: { owner: said } });
      const answer = await send(api, 'alice', document, { input });
      expect(valueAt(answer, field, 'userErrors')).toEqual([]);
      expect(valueAt(answer, field, resource, 'metadata')).toEqual({ a: 1, owner: 'alice' });
    }
  });

  it.each(types)(
    'should refuse a merge that passes 64 KiB, and keep what was there: %s',
    async (_, create, update) => {
      const { api } = openApi();
      const id = await create(api, { a: 'x'.repeat(40_000) });
      const [document, field, resource, input] = update({ id, metadata: { b: 'x'.repeat(40_000) } });
      const refused = await send(api, 'alice', document, { input });
      expect(valueAt(refused, field)).toEqual({
        [resource]: null,
        userErrors: [{ code: 'INVALID', message: expect.any(String), field: ['input', 'metadata'] }],
      });
      const [, , , less] = update({ id, metadata: { a: null, b: 1 } });
      const answer = await send(api, 'alice', document, { input: less });
      expect(valueAt(answer, field, resource, 'metadata')).toEqual({ b: 1, owner: 'alice' });
    },
  );
});

describe('threads and runs', () => {
  it('should be created without an input, and as what they start as', async () => {
    const { api } = openApi();
    const assistant = await createAssistant(api, 'alice');
    const created = await send(
      api,
      'alice',
      'mutation { createThread { thread { id status metadata } userErrors { code } } }',
    );
    const threadId = textAt(created, 'createThread', 'thread', 'id');
    expect(created.body.data).toEqual({
      createThread: {
        thread: { id: threadId, status: 'IDLE', metadata: { owner: 'alice' } },
        userErrors: [],
      },
    });
    const run = await send(
      api,
      'alice',
      'mutation($input: CreateRunInput!) { createRun(input: $input) { run { status threadId assistantId metadata } userErrors { code } } }',
      { input: { threadId, assistantId: assistant, metadata: { owner: 'bob', k: 1 } } },
    );
    expect(run.body.data).toEqual({
      createRun: {
        run: { status: 'PENDING', threadId, assistantId: assistant, metadata: { owner: 'alice', k: 1 } },
        userErrors: [],
      },
    });
  });

  it('should refuse null for metadata and status, and null for the input of a thread', async () => {
    const { api } = openApi();
    const thread = await createThread(api, 'alice');
    const run = await createRun(api, 'alice', thread, await createAssistant(api, 'alice'));
    const created = await send(
      api,
      'alice',
      'mutation { createThread(input: {metadata: null}) { thread { id } userErrors { code field } } }',
    );
    expect(created.body.data).toEqual({ createThread: { thread: null, userErrors: invalid('metadata') } });
    const ofThread = await send(api, 'alice', UPDATE_THREAD, { input: { id: thread, metadata: null } });
    expect(valueAt(ofThread, 'updateThread')).toMatchObject({
      thread: null,
      userErrors: invalid('metadata'),
    });
    const ofRun = await send(api, 'alice', UPDATE_RUN, { input: { id: run, metadata: null, status: null } });
    expect(valueAt(ofRun, 'updateRun')).toMatchObject({
      run: null,
      userErrors: [...invalid('status'), ...invalid('metadata')],
    });
    const noInput = await send(api, 'alice', 'mutation { createThread(input: null) { thread { id } } }');
    expect(codesOf(noInput)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  });

  it('should not move updatedAt when an update changes nothing', async () => {
    const { api } = openApi(ticking());
    const thread = await createThread(api, 'alice', { a: { b: [1] } });
    const run = await createRun(api, 'alice', thread, await createAssistant(api, 'alice'), { a: 1 });
    const query = 'query($t: ID!, $r: ID!) { thread(id: $t) { updatedAt } run(id: $r) { updatedAt } }';
    const before = await send(api, 'alice', query, { t: thread, r: run });
    for (const metadata of [undefined, {}, { a: { b: [1] } }, { owner: 'x' }, { absent: null }]) {
      await send(api, 'alice', UPDATE_THREAD, { input: { id: thread, metadata } });
    }
    await send(api, 'alice', UPDATE_RUN, { input: { id: run, status: 'PENDING', metadata: { a: 1 } } });
    expect((await send(api, 'alice', query, { t: thread, r: run })).text).toBe(before.text);
    await send(api, 'alice', UPDATE_THREAD, { input: { id: thread, metadata: { a: 2 } } });
    expect((await send(api, 'alice', query, { t: thread, r: run })).text).not.toBe(before.text);
  });
});

describe('deleting', () => {
  it.each([
    ['Assistant', 'assistant'],
    ['Thread', 'thread'],
    ['Run', 'run'],
  ] as const)('should answer the %s as it was, once', async (type, field) => {
    const { api } = openApi();
    const assistant = await createAssistant(api, 'alice', { metadata: { a: 1 } });
    const thread = await createThread(api, 'alice', { a: 1 });
    const run = await createRun(api, 'alice', thread, assistant, { a: 1 });
    await send(api, 'alice', UPDATE_RUN, { input: { id: run, status: 'SUCCESS' } });
    const id = { assistant, thread, run }[field];
    const document = `mutation($id: ID!) { delete${type}(id: $id) { success ${field} { id metadata } userErrors { code } } }`;
    const first = await send(api, 'alice', document, { id });
    expect(first.body.data).toEqual({
      [`delete${type}`]: {
        success: true,
        [field]: { id, metadata: { a: 1, owner: 'alice' } },
        userErrors: [],
      },
    });
    const second = await send(api, 'alice', document, { id });
    expect(second.body.data).toEqual({
      [`delete${type}`]: { success: false, [field]: null, userErrors: [] },
    });
    const read = await send(
      api,
      'alice',
      `query($id: ID!) { ${field}(id: $id) { id } node(id: $id) { id } }`,
      { id },
    );
    expect(read.body.data).toEqual({ [field]: null, node: null });
  });
});
