import { expect } from 'vitest';
import { z } from 'zod';
import type { Client } from '../../process/client.ts';
import { type CreatedRun, OWNERS, type RunLoad } from './load.ts';

const Event = z.object({
  seq: z.number(),
  attempt: z.number(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
});
const Run = z.object({
  id: z.string(),
  status: z.string(),
  attempt: z.number(),
  worker: z.null(),
  output: z.record(z.string(), z.unknown()).nullable(),
  error: z.object({ code: z.string() }).nullable(),
  startedAt: z.string().nullable(),
  finishedAt: z.string(),
  events: z.array(Event),
});
type Run = z.output<typeof Run>;
const Thread = z.object({
  thread: z.object({
    status: z.string(),
    values: z.unknown(),
    runs: z.object({ nodes: z.array(z.object({ id: z.string() })) }),
  }),
});

/** Expects that nothing of what was acknowledged is lost, and that all is as it was reported. */
export async function checkRuns(load: RunLoad): Promise<void> {
  for (const owner of OWNERS) {
    const client = load.client(owner);
    const created = [...load.runs.values()].filter((run) => run.owner === owner);
    const { body } = await client.send('{ runs { totalCount } }');
    expect(body).toEqual({ data: { runs: { totalCount: created.length } } });
    for (const [threadId, ofThread] of byThread(created)) {
      const runs = new Map<string, Run>();
      for (const run of ofThread) runs.set(run.id, await checkRun(client, load, run));
      await checkThread(client, threadId, runs);
    }
  }
}

function byThread(created: readonly CreatedRun[]): ReadonlyMap<string, readonly CreatedRun[]> {
  const runs = new Map<string, CreatedRun[]>();
  for (const run of created) runs.set(run.threadId, [...(runs.get(run.threadId) ?? []), run]);
  return runs;
}

async function checkRun(client: Client, load: RunLoad, { id, plan, isCancelled }: CreatedRun): Promise<Run> {
  const query = `query($id: ID!) { run(id: $id) { id status attempt worker output error { code } startedAt finishedAt
    events(first: 1000) { seq attempt type data } } }`;
  const { body } = await client.send(query, { id });
  const run = Run.parse(z.object({ run: z.unknown() }).parse(body.data).run);
  const attempts = load.attempts.filter(({ runId }) => runId === id);
  checkEvents(run);
  for (const { attempt, stored } of attempts) {
    const steps = run.events.filter((event) => event.attempt === attempt && event.type === 'STEP');
    expect(steps.length).toBeGreaterThanOrEqual(stored);
  }

  const ends = attempts.filter(({ ended }) => ended !== null && ended !== 'RUNNING');
  if (isCancelled && ends.length === 0) {
    expect(run.status).toBe('CANCELLED');
    return run;
  }
  // It ended once, as its worker said.
  expect(ends).toHaveLength(1);
  const [end] = ends;
  expect(run).toMatchObject({ status: end?.ended, attempt: end?.attempt });
  if (run.status === 'SUCCESS') {
    expect(run).toMatchObject({
      output: { key: plan.key, attempt: end?.attempt, isDone: true },
      error: null,
    });
  } else if (run.status === 'ERROR') {
    expect(run).toMatchObject({ output: null, error: { code: 'PLANNED' } });
  } else if (run.status === 'INTERRUPTED' && plan.appends.length > 0) {
    expect(run.output).toEqual({ key: plan.key, attempt: end?.attempt, stored: end?.stored });
  }
  return run;
}

function checkEvents({ status, attempt: attempts, events }: Run): void {
  if (attempts === 0) {
    expect(events).toEqual([]);
    return;
  }
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const sent = events.slice(0, -1);
  const last = events.at(-1);
  expect(last?.type).toBe(status === 'ERROR' || status === 'TIMEOUT' ? 'RUN_ERROR' : 'RUN_FINISHED');
  const seen: string[] = [];
  let steps = 0;
  for (const { attempt, type, data } of sent) {
    if (type === 'RUN_STARTED') steps = 0;
    seen.push(type === 'RUN_STARTED' ? `${attempt}` : '');
    if (type === 'STEP')
      expect(data).toMatchObject({ claim: expect.stringMatching(` ${attempt}$`), index: steps++ });
    else expect(type).toBe('RUN_STARTED');
  }
  expect(seen.filter((attempt) => attempt !== '')).toEqual(
    Array.from({ length: attempts }, (_, i) => `${i + 1}`),
  );
}

async function checkThread(client: Client, threadId: string, runs: ReadonlyMap<string, Run>): Promise<void> {
  const query = `query($id: ID!) { thread(id: $id) { status values
    runs(first: 100, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { id } } } }`;
  const { body } = await client.send(query, { id: threadId });
  const { thread } = Thread.parse(body.data);
  const inOrder = thread.runs.nodes.flatMap(({ id }) => runs.get(id) ?? []);
  expect(thread.runs.nodes).toHaveLength(runs.size);

  // One at a time, and in order.
  const begun = inOrder.filter(({ startedAt }) => startedAt !== null);
  for (const [index, { startedAt }] of begun.entries()) {
    const before = begun[index - 1];
    if (before !== undefined)
      expect(Date.parse(startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(before.finishedAt));
  }

  const latest = lastOf(inOrder);
  expect(latest.map(({ status }) => statusAfter(status))).toContain(thread.status);
  const withOutput = lastOf(inOrder.filter(({ output }) => output !== null));
  expect(withOutput.length === 0 ? [null] : withOutput.map(({ output }) => output)).toContainEqual(
    thread.values,
  );
}

/** The run that ended last; several where they ended in one millisecond. */
function lastOf(runs: readonly Run[]): readonly Run[] {
  const last = runs.reduce((latest, { finishedAt }) => (finishedAt > latest ? finishedAt : latest), '');
  return runs.filter(({ finishedAt }) => finishedAt === last);
}

function statusAfter(status: string): string {
  if (status === 'ERROR' || status === 'TIMEOUT') return 'ERROR';
  return status === 'INTERRUPTED' ? 'INTERRUPTED' : 'IDLE';
}
