import { execute, type ExecutionResult, parse, type DocumentNode } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createContext } from '../../src/schema/context.ts';
import { createEventRateLimiter } from '../../src/subscriptions/event-rate-limiter.ts';
import { createClaimWaiters } from '../../src/subscriptions/claim-waiters.ts';
import { createWaits } from '../../src/subscriptions/waits.ts';
import { schema } from '../../src/schema/schema.ts';
import { openApi } from '../support/api.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { THEN } from '../support/requests.ts';

describe('the in-memory stores', () => {
  it('should answer queries and mutations at once, through all resolvers', () => {
    const run = executor();
    const { data: made } = run(
      parse(`mutation {
        createAssistant(input: {graphId: "g", metadata: {then: 1}}) { assistant { id metadata } userErrors { code } }
        createThread { thread { id } userErrors { code } }
      }`),
    );
    expect(made).toMatchObject({
      createAssistant: { assistant: { metadata: THEN } },
    });
    const threadId = Object(made).createThread.thread.id;
    const assistantId = Object(made).createAssistant.assistant.id;
    const { data: started } = run(
      parse(
        'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id thread { status } assistant { name } } } }',
      ),
      { input: { threadId, assistantId } },
    );
    const id = Object(started).createRun.run.id;
    expect(started).toEqual({
      createRun: { run: { id, thread: { status: 'BUSY' }, assistant: { name: 'Untitled' } } },
    });
    const page =
      'totalCount edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
    const { data } = run(
      parse(`query($ids: [ID!]!, $id: ID!) {
        node(id: $id) { id } nodes(ids: $ids) { id }
        run(id: $id) { thread { runs { ${page} } } assistant { runs(filter: {status: [PENDING]}) { ${page} } } }
        assistants(filter: {nameContains: "UNTITLED"}) { ${page} }
        threads(filter: {metadata: {owner: "alice"}}, last: 3) { ${page} }
        runs(filter: {ids: $ids}) { ${page} }
      }`),
      { ids: [threadId, assistantId, id], id },
    );
    expect(data).toMatchObject({
      nodes: [{ id: threadId }, { id: assistantId }, { id }],
      runs: { totalCount: 1 },
    });
    const { data: ended } = run(
      parse(`mutation($id: ID!, $thread: ID!, $assistant: ID!) {
        updateRun(input: {id: $id, status: SUCCESS}) { run { status } }
        updateThread(input: {id: $thread, metadata: {a: 1}}) { thread { status } }
        updateAssistant(input: {id: $assistant}) { assistant { version } }
        deleteRun(id: $id) { success }
        deleteThread(id: $thread) { success }
        deleteAssistant(id: $assistant) { success }
      }`),
      { id, thread: threadId, assistant: assistantId },
    );
    expect(ended).toMatchObject({
      updateRun: { run: { status: 'SUCCESS' } },
      deleteAssistant: { success: true },
    });
  });
});

/** Executes a document as alice, and fails where that takes a promise. */
function executor() {
  const { stores, changes } = openApi();
  const shared = {
    changes,
    waits: createWaits(),
    claimWaiters: createClaimWaiters(),
    eventRateLimiter: createEventRateLimiter(),
  };
  const identity = { owner: owner('alice'), worker: null, expiresAt: Date.now() + 60_000 };
  const contextValue = createContext(shared, identity, stores);
  return (document: DocumentNode, variableValues?: Record<string, unknown>): ExecutionResult => {
    const result = execute({ schema, document, contextValue, variableValues });
    if (result instanceof Promise) throw new TypeError('This was answered by a promise.');
    expect(result.errors).toBeUndefined();
    return JSON.parse(JSON.stringify(result));
  };
}
