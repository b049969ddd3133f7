import { describe, expect, it } from 'vitest';

import { type FetchedApi, openApi, send } from '../support/api.ts';
import { createAssistant, createRun, createThread, moveRun, valueAt } from '../support/requests.ts';

const UNKNOWN = '0123456789abcdef0123456789abcdef';
const FINAL = ['SUCCESS', 'ERROR', 'TIMEOUT', 'INTERRUPTED', 'CANCELLED'] as const;
const STATUSES = ['PENDING', 'RUNNING', ...FINAL] as const;

async function given() {
  let time = Date.UTC(2026, 0, 1);
  const { api } = openApi({ now: () => ++time });
  const assistant = await createAssistant(api, 'alice');
  const thread = await createThread(api, 'alice');
  return { api, assistant, thread, run: () => createRun(api, 'alice', thread, assistant) };
}

function missing(key: string) {
  return { code: 'NOT_FOUND', field: ['input', key] };
}

async function statusOf(api: FetchedApi, id: string): Promise<unknown> {
  return valueAt(
    await send(api, 'alice', 'query($id: ID!) { thread(id: $id) { status } }', { id }),
    'thread',
    'status',
  );
}

async function remove(api: FetchedApi, type: 'Assistant' | 'Thread' | 'Run', id: string): Promise<unknown> {
  const field = type.toLowerCase();
  const document = `mutation($id: ID!) { delete${type}(id: $id) { success ${field} { id } userErrors { code message field } } }`;
  return valueAt(await send(api, 'alice', document, { id }), `delete${type}`);
}

describe('a run', () => {
  it('should go from PENDING over RUNNING to SUCCESS, its thread with it', async () => {
    const { api, thread, run } = await given();
    expect(await statusOf(api, thread)).toBe('IDLE');
    const id = await run();
    expect(await statusOf(api, thread)).toBe('BUSY');
    for (const [status, ofThread] of [
      ['PENDING', 'BUSY'],
      ['RUNNING', 'BUSY'],
      ['SUCCESS', 'IDLE'],
    ] as const) {
      expect((await moveRun(api, 'alice', id, status)).body.data).toEqual({
        updateRun: { run: { status, thread: { status: ofThread } }, userErrors: [] },
      });
      expect(await statusOf(api, thread)).toBe(ofThread);
    }
  });

  it.each(STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const)))(
    'should move forward only: from %s to %s',
    async (from, to) => {
      const { api, thread, run } = await given();
      const id = await run();
      await moveRun(api, 'alice', id, from);
      const input = { id, status: to, metadata: { said: to } };
      const answer = await send(
        api,
        'alice',
        'mutation($input: UpdateRunInput!) { updateRun(input: $input) { run { status metadata } userErrors { code field } } }',
        { input },
      );
      const forward = from === to || from === 'PENDING' || (from === 'RUNNING' && to !== 'PENDING');
      expect(answer.body.data).toEqual({
        updateRun: forward
          ? { run: { status: to, metadata: { said: to, owner: 'alice' } }, userErrors: [] }
          : { run: null, userErrors: [{ code: 'CONFLICT', field: ['input', 'status'] }] },
      });
      const read = await send(api, 'alice', 'query($id: ID!) { run(id: $id) { status metadata } }', { id });
      expect(valueAt(read, 'run')).toEqual(
        forward
          ? { status: to, metadata: { said: to, owner: 'alice' } }
          : { status: from, metadata: { owner: 'alice' } },
      );
      const status = forward ? to : from;
      const active = status === 'PENDING' || status === 'RUNNING';
      const byEnd = { ERROR: 'ERROR', TIMEOUT: 'ERROR', INTERRUPTED: 'INTERRUPTED' };
      expect(await statusOf(api, thread)).toBe(
        active ? 'BUSY' : (Object.entries(byEnd).find(([end]) => end === status)?.[1] ?? 'IDLE'),
      );
    },
  );

  it('should take metadata at any time', async () => {
    const { api, run } = await given();
    const id = await run();
    await moveRun(api, 'alice', id, 'CANCELLED');
    const answer = await send(
      api,
      'alice',
      'mutation($id: ID!) { updateRun(input: {id: $id, metadata: {late: true}}) { run { status metadata } userErrors { code } } }',
      { id },
    );
    expect(answer.body.data).toEqual({
      updateRun: { run: { status: 'CANCELLED', metadata: { late: true, owner: 'alice' } }, userErrors: [] },
    });
  });

  it('should need a thread and an assistant, and be stored only with both', async () => {
    const { api, thread, assistant } = await given();
    const create = async (threadId: string, assistantId: string) =>
      valueAt(
        await send(
          api,
          'alice',
          'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id } userErrors { code field } } }',
          { input: { threadId, assistantId } },
        ),
        'createRun',
      );
    expect(await create(UNKNOWN, assistant)).toEqual({ run: null, userErrors: [missing('threadId')] });
    expect(await create(thread, UNKNOWN)).toEqual({ run: null, userErrors: [missing('assistantId')] });
    expect(await create(assistant, thread)).toEqual({
      run: null,
      userErrors: [missing('threadId'), missing('assistantId')],
    });
    expect(await statusOf(api, thread)).toBe('IDLE');
    expect((await send(api, 'alice', '{ runs { totalCount } }')).body.data).toEqual({
      runs: { totalCount: 0 },
    });
  });
});

describe('the status of a thread', () => {
  it('should follow the run that ended last, and be worked out again when one is deleted', async () => {
    const { api, thread, run } = await given();
    const [a, b, c] = [await run(), await run(), await run()];
    await moveRun(api, 'alice', c, 'ERROR');
    expect(await statusOf(api, thread)).toBe('BUSY');
    await moveRun(api, 'alice', a, 'INTERRUPTED');
    expect(await statusOf(api, thread)).toBe('BUSY');
    await moveRun(api, 'alice', b, 'SUCCESS');
    expect(await statusOf(api, thread)).toBe('IDLE');
    await remove(api, 'Run', b);
    expect(await statusOf(api, thread)).toBe('INTERRUPTED');
    await remove(api, 'Run', a);
    expect(await statusOf(api, thread)).toBe('ERROR');
    await remove(api, 'Run', c);
    expect(await statusOf(api, thread)).toBe('IDLE');
  });

  it('should move updatedAt only when it changes', async () => {
    const { api, thread, run } = await given();
    const updatedAt = async () =>
      valueAt(
        await send(api, 'alice', 'query($id: ID!) { thread(id: $id) { updatedAt } }', { id: thread }),
        'thread',
        'updatedAt',
      );
    const start = await updatedAt();
    const id = await run();
    const busy = await updatedAt();
    expect(busy).not.toBe(start);
    await moveRun(api, 'alice', id, 'RUNNING');
    await run();
    expect(await updatedAt()).toBe(busy);
  });
});

describe('a delete', () => {
  it.each(['PENDING', 'RUNNING'])(
    'should be CONFLICT for a run that is %s, and for its assistant',
    async (status) => {
      const { api, assistant, run } = await given();
      const id = await run();
      await moveRun(api, 'alice', id, status);
      const conflict = [{ code: 'CONFLICT', message: expect.any(String), field: ['id'] }];
      expect(await remove(api, 'Run', id)).toEqual({ success: false, run: null, userErrors: conflict });
      expect(await remove(api, 'Assistant', assistant)).toEqual({
        success: false,
        assistant: null,
        userErrors: conflict,
      });
      await moveRun(api, 'alice', id, 'TIMEOUT');
      expect(await remove(api, 'Assistant', assistant)).toMatchObject({ success: true });
      expect(await remove(api, 'Run', id)).toMatchObject({ success: true });
    },
  );

  it.each(FINAL)('should leave the finished runs of an assistant, without it: %s', async (status) => {
    const { api, assistant, thread, run } = await given();
    const id = await run();
    await moveRun(api, 'alice', id, status);
    await remove(api, 'Assistant', assistant);
    const read = await send(
      api,
      'alice',
      `query($id: ID!, $a: ID!) {
        run(id: $id) { assistantId assistant { id } thread { id } status }
        runs(filter: {assistantId: $a}) { totalCount nodes { id } }
        assistant(id: $a) { id }
      }`,
      { id, a: assistant },
    );
    expect(read.body).toEqual({
      data: {
        run: { assistantId: assistant, assistant: null, thread: { id: thread }, status },
        runs: { totalCount: 1, nodes: [{ id }] },
        assistant: null,
      },
    });
    expect(
      await send(
        api,
        'alice',
        'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id } userErrors { code field } } }',
        { input: { threadId: thread, assistantId: assistant } },
      ),
    ).toMatchObject({
      body: {
        data: {
          createRun: { run: null, userErrors: [{ code: 'NOT_FOUND', field: ['input', 'assistantId'] }] },
        },
      },
    });
  });

  it("should take a thread's runs with it, active ones too, and free their assistant", async () => {
    const { api, assistant, thread, run } = await given();
    const ids = [await run(), await run()];
    const elsewhere = await createRun(api, 'alice', await createThread(api, 'alice'), assistant);
    expect(await remove(api, 'Thread', thread)).toEqual({
      success: true,
      thread: { id: thread },
      userErrors: [],
    });
    const read = await send(
      api,
      'alice',
      'query($ids: [ID!]!) { nodes(ids: $ids) { id } runs { totalCount nodes { id } } }',
      {
        ids: [thread, ...ids],
      },
    );
    expect(read.body.data).toEqual({
      nodes: [null, null, null],
      runs: { totalCount: 1, nodes: [{ id: elsewhere }] },
    });
    await moveRun(api, 'alice', elsewhere, 'SUCCESS');
    expect(await remove(api, 'Assistant', assistant)).toMatchObject({ success: true });
  });

  it('should show a deleted thread as it was', async () => {
    const { api, thread, run } = await given();
    await run();
    const answer = await send(
      api,
      'alice',
      'mutation($id: ID!) { deleteThread(id: $id) { thread { status runs { totalCount } } } }',
      { id: thread },
    );
    expect(answer.body).toEqual({
      data: { deleteThread: { thread: { status: 'BUSY', runs: { totalCount: 0 } } } },
    });
  });
});

describe('several mutations in one document', () => {
  it('should happen one after the other, each whole or not at all', async () => {
    const { api, run } = await given();
    const id = await run();
    const answer = await send(
      api,
      'alice',
      `mutation($id: ID!) {
        one: updateRun(input: {id: $id, status: RUNNING}) { run { status } userErrors { code } }
        two: updateRun(input: {id: $id, status: PENDING, metadata: {lost: 1}}) { run { status } userErrors { code } }
        three: updateRun(input: {id: $id, status: SUCCESS}) { run { status metadata } userErrors { code } }
        four: deleteRun(id: $id) { success }
      }`,
      { id },
    );
    expect(answer.body).toEqual({
      data: {
        one: { run: { status: 'RUNNING' }, userErrors: [] },
        two: { run: null, userErrors: [{ code: 'CONFLICT' }] },
        three: { run: { status: 'SUCCESS', metadata: { owner: 'alice' } }, userErrors: [] },
        four: { success: true },
      },
    });
  });
});
