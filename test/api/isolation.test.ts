import { getNamedType, GraphQLID, isInputObjectType, isInterfaceType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/schema.ts';
import { type Answer, openApi, send, settled } from '../support/api.ts';
import {
  codesOf,
  createAssistant,
  createRun,
  createThread,
  listAt,
  moveRun,
  textAt,
} from '../support/requests.ts';
import { type Stream, subscribe } from '../support/sse.ts';

const UNKNOWN = '0123456789abcdef0123456789abcdef';
const ERRORS = 'userErrors { code message field }';
/** What workers have to do with a run. */
const WORK =
  'input output checkpoint interrupt worker attempt availableAt cancelRequestedAt error { code message details } events(first: 9) { seq attempt type data }';
const RUNS =
  'totalCount edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';

/** Requests that give an id in one place; `$thread`, `$assistant` and `$run` are the caller's own. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  'Query.node(id:)': ['query($id: ID!) { node(id: $id) { __typename id } }'],
  'Query.nodes(ids:)': [
    'query($id: ID!) { nodes(ids: [$id]) { __typename id } }',
    'query($id: ID!, $run: ID!) { nodes(ids: [$run, $id, $run]) { __typename id } }',
  ],
  'Query.assistant(id:)': ['query($id: ID!) { assistant(id: $id) { id metadata runs { totalCount } } }'],
  'Query.thread(id:)': [
    'query($id: ID!) { thread(id: $id) { id metadata runs { totalCount } } }',
    `query($id: ID!) { thread(id: $id) { values runs { nodes { ${WORK} } } } }`,
  ],
  'Query.run(id:)': [
    'query($id: ID!) { run(id: $id) { id metadata thread { id } assistant { id } } }',
    `query($id: ID!) { run(id: $id) { ${WORK} resumes thread { values } } }`,
    'query($id: ID!) { run(id: $id) { events(after: 1, first: 1) { seq } } }',
  ],
  'Query.waitForRun(id:)': [`query($id: ID!) { waitForRun(id: $id, seconds: 0) { id status ${WORK} } }`],
  'AssistantFilterInput.ids': [
    `query($id: ID!) { assistants(filter: {ids: [$id]}) { ${RUNS} } }`,
    `query($id: ID!, $assistant: ID!) { assistants(filter: {ids: [$id, $assistant]}, first: 1) { totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage } } }`,
  ],
  'ThreadFilterInput.ids': [
    `query($id: ID!) { threads(filter: {ids: [$id]}) { ${RUNS} } }`,
    `query($id: ID!, $thread: ID!) { threads(filter: {ids: [$id, $thread]}, last: 1) { totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage } } }`,
  ],
  'RunFilterInput.ids': [
    `query($id: ID!) { runs(filter: {ids: [$id]}) { ${RUNS} } }`,
    `query($id: ID!, $run: ID!) { runs(filter: {ids: [$id, $run]}) { totalCount nodes { id } } }`,
    `query($id: ID!, $thread: ID!) { thread(id: $thread) { runs(filter: {ids: [$id]}) { ${RUNS} } } }`,
    `query($id: ID!, $assistant: ID!) { assistant(id: $assistant) { runs(filter: {ids: [$id]}) { ${RUNS} } } }`,
  ],
  'RunFilterInput.threadId': [
    `query($id: ID!) { runs(filter: {threadId: $id}) { ${RUNS} } }`,
    `query($id: ID!, $run: ID!) { runs(filter: {threadId: $id, ids: [$run]}) { ${RUNS} } }`,
    `query($id: ID!, $thread: ID!) { thread(id: $thread) { runs(filter: {threadId: $id}) { ${RUNS} } } }`,
    `query($id: ID!, $assistant: ID!) { assistant(id: $assistant) { runs(filter: {threadId: $id}) { ${RUNS} } } }`,
  ],
  'RunFilterInput.assistantId': [
    `query($id: ID!) { runs(filter: {assistantId: $id}) { ${RUNS} } }`,
    `query($id: ID!, $run: ID!) { runs(filter: {assistantId: $id, ids: [$run]}) { ${RUNS} } }`,
    `query($id: ID!, $thread: ID!) { thread(id: $thread) { runs(filter: {assistantId: $id}) { ${RUNS} } } }`,
    `query($id: ID!, $assistant: ID!) { assistant(id: $assistant) { runs(filter: {assistantId: $id}) { ${RUNS} } } }`,
  ],
  'UpdateAssistantInput.id': [
    `mutation($id: ID!) { updateAssistant(input: {id: $id, name: "x", metadata: {a: 1}}) { assistant { id } ${ERRORS} } }`,
    `mutation($id: ID!) { updateAssistant(input: {id: $id, name: "", metadata: null}) { assistant { id } ${ERRORS} } }`,
    // What is there already leaves no room for this.
    `mutation($id: ID!) { updateAssistant(input: {id: $id, metadata: {more: "${'x'.repeat(40_000)}"}}) { assistant { id } ${ERRORS} } }`,
  ],
  'UpdateThreadInput.id': [
    `mutation($id: ID!) { updateThread(input: {id: $id, metadata: {a: 1}}) { thread { id } ${ERRORS} } }`,
    `mutation($id: ID!) { updateThread(input: {id: $id, metadata: null}) { thread { id } ${ERRORS} } }`,
    `mutation($id: ID!) { updateThread(input: {id: $id, metadata: {more: "${'x'.repeat(40_000)}"}}) { thread { id } ${ERRORS} } }`,
  ],
  'UpdateRunInput.id': [
    `mutation($id: ID!) { updateRun(input: {id: $id, status: SUCCESS}) { run { id } ${ERRORS} } }`,
    `mutation($id: ID!) { updateRun(input: {id: $id, status: PENDING}) { run { id } ${ERRORS} } }`,
    `mutation($id: ID!) { updateRun(input: {id: $id, status: null}) { run { id } ${ERRORS} } }`,
    `mutation($id: ID!) { updateRun(input: {id: $id, metadata: {more: "${'x'.repeat(40_000)}"}}) { run { id } ${ERRORS} } }`,
  ],
  'CancelRunInput.id': [
    `mutation($id: ID!) { cancelRun(input: {id: $id}) { run { id status } ${ERRORS} } }`,
    `mutation($id: ID!) { cancelRun(input: {id: $id, action: ROLLBACK}) { run { id status } ${ERRORS} } }`,
  ],
  'Mutation.deleteAssistant(id:)': [
    `mutation($id: ID!) { deleteAssistant(id: $id) { success assistant { id } ${ERRORS} } }`,
  ],
  'Mutation.deleteThread(id:)': [
    `mutation($id: ID!) { deleteThread(id: $id) { success thread { id } ${ERRORS} } }`,
  ],
  'Mutation.deleteRun(id:)': [`mutation($id: ID!) { deleteRun(id: $id) { success run { id } ${ERRORS} } }`],
  'CreateRunInput.threadId': [
    `mutation($id: ID!, $assistant: ID!) { createRun(input: {threadId: $id, assistantId: $assistant}) { run { id } ${ERRORS} } }`,
    `mutation($id: ID!) { createRun(input: {threadId: $id, assistantId: $id}) { run { id } ${ERRORS} } }`,
    `mutation($id: ID!) { createRun(input: {threadId: $id, assistantId: "x", metadata: null}) { run { id } ${ERRORS} } }`,
  ],
  'CreateRunInput.resumes': [
    `mutation($id: ID!, $thread: ID!, $assistant: ID!) { createRun(input: {threadId: $thread, assistantId: $assistant, resumes: $id}) { run { resumes } ${ERRORS} } }`,
    `mutation($id: ID!, $assistant: ID!) { createRun(input: {assistantId: $assistant, resumes: $id}) { run { resumes } ${ERRORS} } }`,
  ],
  'CreateRunInput.assistantId': [
    `mutation($id: ID!, $thread: ID!) { createRun(input: {threadId: $thread, assistantId: $id}) { run { id } ${ERRORS} } }`,
    `mutation($id: ID!) { createRun(input: {assistantId: $id, multitaskStrategy: REJECT}) { run { id } ${ERRORS} } }`,
  ],
  'Subscription.assistantChanged(id:)': [
    'subscription($id: ID) { assistantChanged(id: $id) { kind assistantId } }',
  ],
  'Subscription.threadChanged(id:)': ['subscription($id: ID) { threadChanged(id: $id) { kind threadId } }'],
  'Subscription.runChanged(id:)': [
    'subscription($id: ID) { runChanged(id: $id) { kind runId } }',
    'subscription($id: ID, $thread: ID) { runChanged(id: $id, threadId: $thread) { kind runId } }',
  ],
  'Subscription.runChanged(threadId:)': [
    'subscription($id: ID) { runChanged(threadId: $id) { kind runId } }',
    'subscription($id: ID, $run: ID) { runChanged(threadId: $id, id: $run) { kind runId } }',
  ],
  'Subscription.runEvents(runId:)': [
    'subscription($id: ID!) { runEvents(runId: $id) { events { seq type data } last missedUpTo status done } }',
    'subscription($id: ID!) { runEvents(runId: $id, after: 1) { events { seq type data } last missedUpTo status done } }',
  ],
};

/** Where the schema takes an id. */
function idPlaces(): string[] {
  return Object.values(schema.getTypeMap()).flatMap((type) => {
    if (isInputObjectType(type)) {
      return Object.values(type.getFields())
        .filter((field) => getNamedType(field.type) === GraphQLID)
        .map((field) => `${type.name}.${field.name}`);
    }
    if (!isObjectType(type) && !isInterfaceType(type)) return [];
    return Object.values(type.getFields()).flatMap((field) =>
      field.args
        .filter((arg) => getNamedType(arg.type) === GraphQLID)
        .map((arg) => `${type.name}.${field.name}(${arg.name}:)`),
    );
  });
}

/** All that an owner has, as text. */
async function everythingOf(api: ReturnType<typeof openApi>['api'], owner: string): Promise<string> {
  const { text } = await send(
    api,
    owner,
    `{
      assistants { totalCount nodes { id name description config context metadata version updatedAt } }
      threads { totalCount nodes { id status metadata updatedAt } }
      runs { totalCount nodes { id status metadata updatedAt threadId assistantId ${WORK} thread { values } } }
    }`,
  );
  return text;
}

/** Lets a worker of the owner have a run, until it asks something. */
async function workOn(api: ReturnType<typeof openApi>['api'], as: string, id: string): Promise<string> {
  const claim = 'claimRuns(input: {worker: "w", graphIds: ["spare"], waitSeconds: 0}) { claims { lease } }';
  const lease = textAt(await send(api, as, `mutation { ${claim} }`), 'claimRuns', 'claims', 0, 'lease');
  await send(
    api,
    as,
    `mutation($lease: String!) {
      appendRunEvents(input: {lease: $lease, offset: 0, events: [{type: "TEXT", data: {of: "${as}"}}]}) { lease { held } }
      checkpointRun(input: {lease: $lease, values: {of: "${as}"}}) { lease { held } }
      finishRun(input: {lease: $lease, status: INTERRUPTED, interrupt: {asks: "${as}"}}) { accepted }
    }`,
    { lease },
  );
  return id;
}

/** Alice and bob, each with all that can be. Bob's records are full to the brim, ended, active and deleted. */
async function given() {
  const test = openApi();
  const { api } = test;
  const own = async (as: string) => {
    const metadata = { filler: 'x'.repeat(40_000) };
    const assistant = await createAssistant(api, as, { metadata });
    const thread = await createThread(api, as, metadata);
    const run = await createRun(api, as, thread, assistant, metadata);
    const ended = await createRun(api, as, await createThread(api, as), assistant);
    await moveRun(api, as, ended, 'ERROR');
    const spareAssistant = await createAssistant(api, as, { graphId: 'spare' });
    const spareThread = await createThread(api, as);
    const interrupted = await workOn(api, as, await createRun(api, as, spareThread, spareAssistant));
    return { assistant, thread, run, ended, spareAssistant, spareThread, interrupted };
  };
  return { ...test, alice: await own('alice'), bob: await own('bob') };
}

/** Two requests with one id have answers that can be compared as a whole. */
const SAME_REQUEST = { 'x-request-id': 'same' };

describe("another owner's id", () => {
  it('should have a case for each place where the schema takes an id', () => {
    expect(Object.keys(CASES).toSorted()).toEqual(idPlaces().toSorted());
  });

  const requests = Object.entries(CASES)
    .filter(([place]) => !place.startsWith('Subscription.'))
    .flatMap(([place, documents]) => documents.map((document) => [place, document] as const));

  it('should be answered byte for byte as an unknown one, everywhere, and nothing of the other owner change', async () => {
    const { api, alice, bob } = await given();
    const before = await everythingOf(api, 'bob');
    let compared = 0;
    for (const [, document] of requests) {
      const ask = (id: string) => send(api, 'alice', document, { ...alice, id }, SAME_REQUEST);
      const unknown = await ask(UNKNOWN);
      expect([document, unknown.status, unknown.body.errors]).toEqual([document, 200, undefined]);
      for (const id of Object.values(bob)) {
        const foreign = await ask(id);
        expect([document, foreign.text]).toEqual([document, unknown.text]);
        expect(headOf(foreign)).toEqual(headOf(unknown));
        compared++;
      }
    }
    expect(compared).toBe(7 * requests.length);
    expect(await everythingOf(api, 'bob')).toBe(before);
  });

  it('should make a difference to its own owner in each of these requests', async () => {
    for (const [, document] of requests) {
      const { api, alice } = await given();
      const unknown = await send(api, 'alice', document, { ...alice, id: UNKNOWN });
      const answers: string[] = [];
      for (const id of Object.values(alice)) {
        answers.push((await send(api, 'alice', document, { ...alice, id })).text);
      }
      // An input that no record could take is refused before anybody looks for one.
      const refusedAnyway = unknown.text.includes('INVALID');
      const differs = answers.some((text) => text !== unknown.text);
      expect([document, differs]).toEqual([document, !refusedAnyway]);
    }
  });

  const subscriptions = Object.entries(CASES)
    .filter(([place]) => place.startsWith('Subscription.'))
    .flatMap(([place, documents]) => documents.map((document) => [place, document] as const));
  const [changes, ofOneRun] = [
    subscriptions.filter(([place]) => !place.includes('runEvents')),
    subscriptions.filter(([place]) => place.includes('runEvents')),
  ];

  it.each(ofOneRun)('should be as over as an unknown one: %s by %s', async (_, document) => {
    const { api, alice, bob } = await given();
    const open = (id: string) => subscribe(api, 'alice', document, { id }, SAME_REQUEST);
    const unknown = await open(UNKNOWN);
    const end = [{ event: 'complete', data: null }];
    expect(await unknown.rest()).toEqual(end);
    for (const id of Object.values(bob)) {
      const foreign = await open(id);
      expect(await foreign.rest()).toEqual(end);
      expect(headOf(foreign)).toEqual(headOf(unknown));
    }
    expect(await (await open(alice.interrupted)).rest()).toHaveLength(2);
  });

  it.each(changes)('should be as silent as an unknown one: %s by %s', async (_, document) => {
    const { api, alice, bob, subscribers } = await given();
    const open = (id: string) => subscribe(api, 'alice', document, { ...alice, id }, SAME_REQUEST);
    const unknown = await open(UNKNOWN);
    const foreign = await Promise.all(Object.values(bob).map(open));
    for (const status of ['RUNNING', 'SUCCESS']) await moveRun(api, 'bob', bob.run, status);
    await send(
      api,
      'bob',
      `mutation($thread: ID!, $assistant: ID!) {
        updateAssistant(input: {id: $assistant, name: "x"}) { assistant { id } }
        updateThread(input: {id: $thread, metadata: {x: 1}}) { thread { id } }
        deleteThread(id: $thread) { success }
        deleteAssistant(id: $assistant) { success }
      }`,
      { ...bob },
    );
    await moveRun(api, 'alice', alice.run, 'RUNNING');
    await settled(api);
    subscribers.close();
    expect(await unknown.untilCut()).toEqual([]);
    for (const stream of foreign) {
      expect(await stream.untilCut()).toEqual([]);
      expect(headOf(stream)).toEqual(headOf(unknown));
    }
  });
});

/** Status and headers, without the time of the answer. */
function headOf({ status, headers }: Answer | Stream): unknown {
  return [status, ...[...headers].filter(([name]) => name !== 'date')];
}

describe("another owner's records", () => {
  it('should be in no list and in no count', async () => {
    const { api } = await given();
    const query = `{
      assistants { totalCount nodes { metadata } } threads { totalCount nodes { metadata } } runs { totalCount nodes { metadata } }
    }`;
    const { body } = await send(api, 'carol', query);
    const none = { totalCount: 0, nodes: [] };
    expect(body).toEqual({ data: { assistants: none, threads: none, runs: none } });
    const alice = await send(api, 'alice', query);
    expect(alice.text).not.toContain('"owner":"bob"');
    expect(alice.body.data).toMatchObject({
      assistants: { totalCount: 2 },
      threads: { totalCount: 3 },
      runs: { totalCount: 3 },
    });
  });

  it('should not be reached by a filter for their owner', async () => {
    const { api } = await given();
    const query = `query($m: JSONObject) {
      assistants(filter: {metadata: $m}) { totalCount nodes { id } }
      threads(filter: {metadata: $m}) { totalCount nodes { id } }
      runs(filter: {metadata: $m}) { totalCount nodes { id } }
    }`;
    const bob = await send(api, 'alice', query, { m: { owner: 'bob' } });
    const nobody = await send(api, 'alice', query, { m: { owner: 'nobody' } });
    expect(bob.text).toBe(nobody.text);
    expect(listAt(bob, 'threads', 'nodes')).toEqual([]);
    const own = await send(api, 'alice', query, { m: { owner: 'alice' } });
    expect(own.body.data).toMatchObject({
      assistants: { totalCount: 2 },
      threads: { totalCount: 3 },
      runs: { totalCount: 3 },
    });
  });

  it('should not be reached by their cursors, which are refused as made-up ones are', async () => {
    const { api } = await given();
    for (const list of ['assistants', 'threads', 'runs']) {
      const page = await send(api, 'bob', `{ ${list} { pageInfo { endCursor } } }`);
      const cursor = textAt(page, list, 'pageInfo', 'endCursor');
      const query = `query($c: String) { ${list}(after: $c) { totalCount } }`;
      const foreign = await send(api, 'alice', query, { c: cursor });
      const madeUp = await send(api, 'alice', query, { c: 'x'.repeat(cursor.length) });
      expect(codesOf(foreign)).toEqual(['BAD_USER_INPUT']);
      expect(foreign.text).toBe(madeUp.text);
      expect((await send(api, 'bob', query, { c: cursor })).body.errors).toBeUndefined();
    }
  });

  it('should not be told apart by what happens between two pages', async () => {
    const { api } = openApi();
    for (let i = 0; i < 3; i++) await createThread(api, 'alice', { i });
    const query =
      'query($c: String) { threads(first: 1, after: $c) { totalCount nodes { metadata } pageInfo { endCursor } } }';
    const first = await send(api, 'alice', query);
    const cursor = textAt(first, 'threads', 'pageInfo', 'endCursor');
    const before = await send(api, 'alice', query, { c: cursor });
    await createThread(api, 'bob');
    expect((await send(api, 'alice', query, { c: cursor })).text).toBe(before.text);
  });
});

describe('names that mean something to JavaScript', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'null', 'then'];

  it.each(names)('should be owners as any other: %s', async (name) => {
    const { api } = openApi();
    const thread = await createThread(api, name, { mine: true });
    await createThread(api, 'alice');
    const query = 'query($id: ID!) { thread(id: $id) { metadata } threads { totalCount } }';
    expect((await send(api, name, query, { id: thread })).body.data).toEqual({
      thread: { metadata: { mine: true, owner: name } },
      threads: { totalCount: 1 },
    });
    expect((await send(api, 'alice', query, { id: thread })).body.data).toEqual({
      thread: null,
      threads: { totalCount: 1 },
    });
  });

  it('should tell owners apart by every character', async () => {
    const { api } = openApi();
    const owners = ['alice', 'Alice', 'alice ', ' alice', 'alice/x', 'e\u0301', '\u00e9', 'run:alice'];
    for (const owner of owners) await createThread(api, owner);
    for (const owner of owners) {
      expect((await send(api, owner, '{ threads { totalCount nodes { metadata } } }')).body.data).toEqual({
        threads: { totalCount: 1, nodes: [{ metadata: { owner } }] },
      });
    }
  });
});
