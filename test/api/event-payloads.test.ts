import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { type FetchedApi, openApi, send } from '../support/api.ts';
import { createAssistant, textAt, valueAt } from '../support/requests.ts';
import { type Stream, subscribe } from '../support/sse.ts';

const CREATE =
  'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id threadId } userErrors { code } } }';
const CLAIM = 'mutation { claimRuns(input: {worker: "w", graphIds: ["graph"]}) { claims { lease } } }';
const CHECKPOINTS = `mutation($lease: String!) {
  a: checkpointRun(input: {lease: $lease, values: {step: 1}}) { lease { held } }
  b: checkpointRun(input: {lease: $lease, values: {step: 2}}) { lease { held } }
  c: checkpointRun(input: {lease: $lease, values: {step: 3}}) { lease { held } }
}`;
const FINISH_AND_DELETE = `mutation($lease: String!, $id: ID!) {
  finishRun(input: {lease: $lease, status: SUCCESS, output: {answer: 1}}) { accepted }
  deleteRun(id: $id) { success }
}`;
const RUNS = 'subscription { runChanged { kind run { status input output checkpoint } } }';
const THREADS = 'subscription { threadChanged { kind thread { status values } } }';

/** PostgreSQL keeps the latest payloads alone. */
const keepsVersions = inject('storeKind') !== 'postgres';

async function claimedRun() {
  const { api } = openApi();
  const assistantId = await createAssistant(api, 'alice');
  const created = await send(api, 'alice', CREATE, { input: { assistantId, input: { question: 1 } } });
  const claimed = await send(api, 'alice', CLAIM);
  return {
    api,
    id: textAt(created, 'createRun', 'run', 'id'),
    lease: textAt(claimed, 'claimRuns', 'claims', 0, 'lease'),
  };
}

async function watch(api: FetchedApi, query: string): Promise<Stream> {
  const stream = await subscribe(api, 'alice', query);
  onTestFinished(() => stream.cancel());
  return stream;
}

describe('the payloads that an event shows', () => {
  it('should be those of right after the change, or newer ones where no versions are kept', async () => {
    const { api, lease } = await claimedRun();
    const stream = await watch(api, RUNS);
    expect((await send(api, 'alice', CHECKPOINTS, { lease })).body.errors).toBeUndefined();
    const steps = (await stream.take(3)).map(({ data }) => {
      const event: { runChanged?: { run: { checkpoint: { step: number } } } } = Object(data?.data);
      return event.runChanged?.run.checkpoint.step ?? 0;
    });
    const own = [1, 2, 3];
    expect(steps).toEqual(keepsVersions ? own : own.map((step, index) => Math.max(step, steps[index] ?? 0)));
    expect(steps.at(-1)).toBe(3);
  });

  it.runIf(keepsVersions)('should be there though the run is deleted right after', async () => {
    const { api, id, lease } = await claimedRun();
    const [runs, threads] = [await watch(api, RUNS), await watch(api, THREADS)];
    const done = await send(api, 'alice', FINISH_AND_DELETE, { lease, id });
    expect(valueAt(done, 'deleteRun', 'success')).toBe(true);
    expect((await runs.take(2)).map(({ data }) => data?.data)).toEqual([
      {
        runChanged: {
          kind: 'UPDATED',
          run: { status: 'SUCCESS', input: { question: 1 }, output: { answer: 1 }, checkpoint: null },
        },
      },
      { runChanged: { kind: 'DELETED', run: null } },
    ]);
    expect((await threads.take(2)).map(({ data }) => data?.data)).toEqual([
      { threadChanged: { kind: 'UPDATED', thread: { status: 'IDLE', values: { answer: 1 } } } },
      { threadChanged: { kind: 'UPDATED', thread: { status: 'IDLE', values: null } } },
    ]);
  });
});
