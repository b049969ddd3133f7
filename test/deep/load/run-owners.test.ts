import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Client, clientOf, SERVER, workerClientOf } from '../../process/client.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';

let project: Project;
let database: TestDatabase;

beforeAll(async () => {
  project = await openProject();
  database = await createDatabase();
});

afterAll(async () => {
  await project.remove();
  await database.drop();
});

/** Owners who have workers of all owners, and one who has workers of its own. */
const OWNERS = ['alice', 'bob', 'carol'] as const;
/** Runs of each owner. */
const RUNS = 40;

/** What all that is of an owner has in it, and nothing that is of another. */
function markOf(owner: string): string {
  return `<<only ${owner}>>`;
}

/** A client whose answers are looked at: nothing of another owner is in them. */
function watched(client: Client, owner: string, seen: { answers: number }): Client {
  const foreign = OWNERS.filter((other) => other !== owner).flatMap((other) => [
    markOf(other),
    `"owner":"${other}"`,
  ]);
  const check = (text: string): void => {
    seen.answers++;
    for (const mark of foreign) {
      if (text.includes(mark))
        throw new TypeError(`${owner} was answered with ${mark}: ${text.slice(0, 2_000)}`);
    }
  };
  return {
    async send(query, variables, signal) {
      const answer = await client.send(query, variables, signal);
      check(answer.text);
      expect(answer.body.errors).toBeUndefined();
      return answer;
    },
    async subscribe(query) {
      const events = await client.subscribe(query);
      return {
        ...events,
        async next() {
          const event = await events.next();
          check(JSON.stringify(event));
          return event;
        },
      };
    },
  };
}

const Ids = z.object({
  createAssistant: z.object({ assistant: z.object({ id: z.string() }) }),
});
const Created = z.object({
  createRun: z.object({ run: z.object({ id: z.string(), threadId: z.string() }) }),
});
const Claims = z.object({
  claimRuns: z.object({
    claims: z.array(
      z.object({
        lease: z.string(),
        owner: z.string(),
        runId: z.string(),
        input: z.object({ mark: z.string() }),
        values: z.object({ mark: z.string() }).nullable(),
        checkpoint: z.null(),
        metadata: z.object({ owner: z.string(), mark: z.string() }),
        config: z.object({ mark: z.string() }),
      }),
    ),
  }),
});

const CLAIM = `mutation { claimRuns(input: {worker: "w", graphIds: ["graph"], max: 5, waitSeconds: 1}) {
  claims { lease owner runId input values checkpoint metadata config } } }`;
const EXECUTE = `mutation($lease: String!, $data: JSONObject!, $status: RunStatus!, $output: JSONObject, $error: RunErrorInput) {
  appendRunEvents(input: {lease: $lease, offset: 0, events: [{type: "A", data: $data}, {type: "B", data: $data}]}) { lease { held } }
  checkpointRun(input: {lease: $lease, values: $data}) { lease { held } }
  finishRun(input: {lease: $lease, status: $status, output: $output, error: $error}) { accepted status } }`;

/** Executes runs, and marks all that it sends with the owner of each. */
async function work(client: Client, isOver: () => boolean, fails: () => boolean): Promise<number> {
  let executed = 0;
  while (!isOver()) {
    const { body } = await client.send(CLAIM);
    const { claims } = Claims.parse(body.data).claimRuns;
    await Promise.all(
      claims.map(async ({ lease, owner, input, values, metadata, config }) => {
        const mark = markOf(owner);
        expect({ input, metadata, config }).toEqual({
          input: { mark },
          metadata: { mark, owner },
          config: { mark },
        });
        expect([null, mark]).toContain(values === null ? null : values.mark);
        const end = fails()
          ? { status: 'ERROR', error: { code: 'FAILED', message: mark, details: { mark } } }
          : { status: 'SUCCESS', output: { mark } };
        const { text } = await client.send(EXECUTE, { lease, data: { mark }, ...end });
        expect(text).toContain('"accepted":true');
        executed++;
      }),
    );
  }
  return executed;
}

/** Creates runs, reads all that an owner can read meanwhile, and follows each to its end. */
async function own(client: Client, owner: string): Promise<number> {
  const mark = markOf(owner);
  const made = await client.send(
    'mutation($mark: JSONObject!) { createAssistant(input: {graphId: "graph", idempotencyKey: "same", config: $mark, metadata: $mark}) { assistant { id } } }',
    { mark: { mark } },
  );
  const assistantId = Ids.parse(made.body.data).createAssistant.assistant.id;
  let threadId: string | null = null;
  let events = 0;
  const follow = async (id: string): Promise<void> => {
    const stream = await client.subscribe(
      `subscription { runEvents(runId: "${id}") { events { seq type data } last status done } }`,
    );
    for (let event = await stream.next(); event !== null; event = await stream.next()) events++;
    const query = `query($id: ID!) { waitForRun(id: $id) { status input output checkpoint error { code message details }
      metadata events { seq data } thread { values metadata } assistant { config } } }`;
    const { text } = await client.send(query, { id });
    expect(text).toContain(mark);
  };
  const following: Promise<void>[] = [];
  for (let index = 0; index < RUNS; index++) {
    const input = {
      // Two runs of each thread, so that there are values.
      threadId: index % 2 === 0 ? null : threadId,
      assistantId,
      input: { mark },
      metadata: { mark },
      idempotencyKey: `key ${index}`,
    };
    const create = 'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id threadId } } }';
    const created = await client.send(create, { input });
    const { run } = Created.parse(created.body.data).createRun;
    ({ threadId } = run);
    following.push(follow(run.id));
    if (index % 10 === 0) {
      await client.send(
        '{ runs(first: 100) { totalCount nodes { id metadata input output error { message } } } }',
      );
      await client.send('{ threads(first: 100) { totalCount nodes { id values metadata } } }');
    }
  }
  await Promise.all(following);
  const { body } = await client.send('{ runs(filter: {status: [SUCCESS, ERROR]}) { totalCount } }');
  expect(body).toEqual({ data: { runs: { totalCount: RUNS } } });
  return events;
}

describe('owners and their workers at the same time', () => {
  it.each(['memory', 'PostgreSQL'])('should never be answered with anything of another: %s', async (kind) => {
    const server = project.server({
      ...SERVER,
      ...(kind === 'PostgreSQL' && { DATABASE_URL: database.url }),
    });
    const { port } = await greeting(server);
    const seen = { answers: 0 };
    const ends = fc.sample(fc.integer({ min: 0, max: 3 }), 1_000).values();
    const fails = () => ends.next().value === 0;
    let isOver = false;
    const workers = [
      work(await workerClientOf(port, 'worker-1'), () => isOver, fails),
      work(await workerClientOf(port, 'worker-2'), () => isOver, fails),
      // With the token of an owner: of its runs alone.
      work(watched(await clientOf(port, 'carol'), 'carol', seen), () => isOver, fails),
    ];
    const owners = OWNERS.map(async (owner) => own(watched(await clientOf(port, owner), owner, seen), owner));
    const events = await Promise.race([Promise.all(owners), Promise.all(workers).then(() => [])]);
    isOver = true;
    const executed = (await Promise.all(workers)).reduce((sum, one) => sum + one, 0);
    expect(executed).toBe(OWNERS.length * RUNS);
    expect(Math.min(...events)).toBeGreaterThanOrEqual(RUNS);
    expect(seen.answers).toBeGreaterThan(OWNERS.length * RUNS * 3);
    server.send('SIGTERM');
    expect(await server.ending).toMatchObject({ code: 0, stderr: '' });
  });
});
