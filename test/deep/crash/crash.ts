import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Client, clientOf, SERVER } from '../../process/client.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';

/** What a server's data is kept in, for as long as the tests run. */
export interface Keeper {
  /** The variables that name it. */
  readonly env: Readonly<Record<string, string>>;
  /** Deletes it. */
  remove(): Promise<void>;
}

const ROUNDS = 10;
/** Mutations at the same time. */
const PARALLEL = 50;
/** Threads of a round with a run each, which the mutations change. */
const THREADS = PARALLEL / 5;

/** A thread with its first run. */
interface Pair {
  readonly thread: string;
  readonly run: string;
}

/** Kills a server in the middle of many mutations, again and again, and looks what it finds when it starts again. */
export function testCrashes(name: string, open: () => Promise<Keeper>): void {
  describe(`a server that is killed, with ${name}`, () => {
    let project: Project;
    let keeper: Keeper;

    beforeAll(async () => {
      project = await openProject();
      keeper = await open();
    });

    afterAll(async () => {
      await project.remove();
      await keeper.remove();
    });

    async function start() {
      const server = project.server({ ...SERVER, ...keeper.env });
      const { port } = await greeting(server);
      return { server, client: await clientOf(port, 'alice') };
    }

    it('should keep all that it has acknowledged, and nothing by halves', async () => {
      let { server, client } = await start();
      const assistant = await created(client, 'createAssistant(input: {graphId: "g"}) { assistant { id } }');
      let acknowledged = 0;
      for (const enough of fc.sample(fc.integer({ min: 1, max: PARALLEL - 6 }), ROUNDS)) {
        const moved = await pairs(client, assistant);
        const doomed = await pairs(client, assistant);
        const done = await cutShort(client, assistant, moved, doomed, enough, async () => {
          server.send('SIGKILL');
          await server.ending;
        });
        acknowledged += done.size;
        ({ server, client } = await start());
        await check(client, moved, doomed, done);
      }
      expect(acknowledged).toBeGreaterThan(ROUNDS);
      server.send('SIGTERM');
      expect(await server.ending).toMatchObject({ code: 0, stderr: '' });
    });
  });
}

/** Sends a mutation that creates something: its id. @throws where it is not acknowledged */
async function created(client: Client, mutation: string): Promise<string> {
  const { text } = await client.send(`mutation { ${mutation} }`);
  const id = /"id":"(\w+)"/.exec(text)?.[1];
  if (id === undefined) throw new TypeError(`Nothing was created: ${text}`);
  return id;
}

function createRun(client: Client, thread: string, assistant: string): Promise<string> {
  return created(
    client,
    `createRun(input: {threadId: "${thread}", assistantId: "${assistant}"}) { run { id } userErrors { code } }`,
  );
}

function pairs(client: Client, assistant: string): Promise<readonly Pair[]> {
  return Promise.all(
    Array.from({ length: THREADS }, async () => {
      const thread = await created(client, 'createThread { thread { id } }');
      return { thread, run: await createRun(client, thread, assistant) };
    }),
  );
}

/**
 * Sends all mutations at once, and kills the server as soon as some of them are acknowledged: those, with their ids.
 * @param enough how many have to be acknowledged
 */
async function cutShort(
  client: Client,
  assistant: string,
  moved: readonly Pair[],
  doomed: readonly Pair[],
  enough: number,
  kill: () => Promise<void>,
): Promise<ReadonlyMap<string, string>> {
  const done = new Map<string, string>();
  let killed: Promise<void> | undefined;

  async function attempt(key: string, mutation: Promise<string>): Promise<void> {
    try {
      done.set(key, await mutation);
    } catch (error) {
      // The server has gone; what it refuses while it is there is a bug.
      if (killed === undefined) throw error;
    }
    if (done.size >= enough) killed ??= kill();
  }

  await Promise.all(
    Array.from({ length: THREADS }, (_, index) => index).flatMap((index) => {
      const { thread = '', run = '' } = moved[index] ?? {};
      const { thread: gone = '' } = doomed[index] ?? {};
      const move = `updateRun(input: {id: "${run}", status: RUNNING}) { run { id } }`;
      return [
        attempt(`thread ${index}`, created(client, 'createThread { thread { id } }')),
        attempt(
          `assistant ${index}`,
          created(client, 'createAssistant(input: {graphId: "g"}) { assistant { id } }'),
        ),
        attempt(`run ${index}`, createRun(client, thread, assistant)),
        attempt(`move ${index}`, created(client, move)),
        attempt(`delete ${index}`, created(client, `deleteThread(id: "${gone}") { thread { id } }`)),
      ];
    }),
  );
  await killed;
  return done;
}

const Nodes = z.object({
  nodes: z.array(
    z
      .object({
        id: z.string(),
        status: z.string().optional(),
        runs: z.object({ nodes: z.array(z.object({ id: z.string(), status: z.string() })) }).optional(),
      })
      .nullable(),
  ),
});

/** What there is of some ids: threads with their status and all of their runs. */
async function look(client: Client, ids: readonly string[]) {
  const query = `query($ids: [ID!]!) { nodes(ids: $ids) { id
    ... on Thread { status runs(first: 10, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { id status } } } } }`;
  const { body } = await client.send(query, { ids });
  return Nodes.parse(body.data).nodes;
}

async function check(
  client: Client,
  moved: readonly Pair[],
  doomed: readonly Pair[],
  done: ReadonlyMap<string, string>,
): Promise<void> {
  // Whatever was acknowledged to be created is there.
  const ids = Array.from(done).flatMap(([key, id]) => (/^(thread|assistant|run)/.test(key) ? [id] : []));
  expect((await look(client, ids)).map((node) => node?.id)).toEqual(ids);

  const threads = await look(
    client,
    moved.map(({ thread }) => thread),
  );
  for (const [index, { run }] of moved.entries()) {
    const thread = threads[index];
    const runs = thread?.runs?.nodes ?? [];
    const first = runs.find(({ id }) => id === run);
    expect(done.has(`move ${index}`) ? ['RUNNING'] : ['PENDING', 'RUNNING']).toContain(first?.status);
    const another = done.get(`run ${index}`);
    expect(runs.map(({ id }) => id)).toEqual(
      expect.arrayContaining(another === undefined ? [run] : [run, another]),
    );
    expect(runs.length).toBeLessThanOrEqual(2);
    expect(thread?.status).toBe('BUSY');
  }

  const pairsLeft = await look(
    client,
    doomed.flatMap(({ thread, run }) => [thread, run]),
  );
  for (const index of doomed.keys()) {
    const thread = pairsLeft[2 * index];
    const run = pairsLeft[2 * index + 1];
    // Both or neither, and with its run it is busy.
    expect(thread === null).toBe(run === null);
    const isKept = thread !== null && !done.has(`delete ${index}`);
    expect(thread?.status ?? null).toBe(isKept ? 'BUSY' : null);
  }

  // Ended, the runs leave their threads idle again: what the status follows from is whole.
  const [pair] = moved;
  const [thread] = threads;
  for (const { id } of thread?.runs?.nodes ?? []) {
    await created(client, `updateRun(input: {id: "${id}", status: CANCELLED}) { run { id } }`);
  }
  expect((await look(client, [pair?.thread ?? '']))[0]?.status).not.toBe('BUSY');
}
