import { existsSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Client, clientOf, codesOf, readiness, SERVER } from '../../process/client.ts';
import { greeting, openProject, type Project, START, type Started } from '../../process/project.ts';
import { eventually } from '../../support/eventually.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** A folder in the project's copy, which need not be there. */
function env(folder: string) {
  return { ...SERVER, DATA_DIR: join(project.folder, folder) };
}

async function clientFor(server: Started): Promise<{ client: Client; port: number }> {
  const { port } = await greeting(server);
  return { client: await clientOf(port, 'alice'), port };
}

async function stop(server: Started) {
  server.send('SIGTERM');
  return server.ending;
}

const Created = z.object({ createThread: z.object({ thread: z.object({ id: z.string() }) }) });
const Listed = z.object({
  threads: z.object({ totalCount: z.number(), nodes: z.array(z.object({ id: z.string() })) }),
});

/** The id of a new thread, or the codes of the errors. */
async function create(client: Client, text = ''): Promise<string | readonly string[]> {
  const { body } = await client.send(
    'mutation($metadata: JSONObject) { createThread(input: {metadata: $metadata}) { thread { id } } }',
    { metadata: { text } },
  );
  const created = Created.safeParse(body.data);
  return created.success ? created.data.createThread.thread.id : codesOf(body);
}

/** The ids of the first 100 threads, sorted, and how many there are. */
async function list(client: Client) {
  const { body } = await client.send('{ threads(first: 100) { totalCount nodes { id } } }');
  const { totalCount, nodes } = Listed.parse(body.data).threads;
  return { totalCount, ids: nodes.map(({ id }) => id).toSorted() };
}

describe('a server with a data folder', () => {
  it('should have the folder to itself, until it ends in whatever way', async () => {
    const first = project.server(env('alone'));
    const { client } = await clientFor(first);
    const id = await create(client);
    const second = await project.server(env('alone')).ending;
    expect(second).toStrictEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: `DATA_DIR "${project.folder}/alone" is in use by another process: stop that one, or choose another.\n`,
    });
    expect(await list(client)).toStrictEqual({ totalCount: 1, ids: [id] });
    first.send('SIGKILL');
    await first.ending;
    const third = project.server(env('alone'));
    const again = await clientFor(third);
    expect(await list(again.client)).toStrictEqual({ totalCount: 1, ids: [id] });
    expect(await stop(third)).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await third.ending;
    expect(stdout).toMatch(/"assistant":0,"thread":1,"run":0,"milliseconds":\d+,"msg":"DATA_DIR loaded"/);
  });

  it('should end with one line when the data is damaged', async () => {
    const server = project.server(env('damaged'));
    await clientFor(server);
    await stop(server);
    const file = join(project.folder, 'damaged', 'data.mdb');
    truncateSync(file, statSync(file).size - 5_000);
    const bytes = readFileSync(file);
    expect(await project.server(env('damaged')).ending).toStrictEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: expect.stringMatching(/^DATA_DIR "[^"]+\/damaged" is damaged: [^\n]+\n$/),
    });
    expect(readFileSync(file)).toEqual(bytes);
  });

  it('should end with one line when the folder cannot be made', async () => {
    expect(await project.server(env('package.json/data')).ending).toStrictEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: expect.stringMatching(
        /^DATA_DIR "[^"]+\/package.json\/data" cannot be used: ENOTDIR: [^\n]+\n$/,
      ),
    });
  });
});

describe('a server whose disk is full', () => {
  it('should go on without its log, and end when it is told to', async () => {
    // 4 or 8 KiB, as the shell counts: the greeting, and some lines.
    const limited = project.start('sh', ['-c', `ulimit -f 8 && ${START} > log`], SERVER);
    const log = join(project.folder, 'log');
    const read = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
    await eventually('it listens', () => /localhost:\d+\/graphql\n/.test(read()));
    const client = await clientOf(Number(/localhost:(\d+)/.exec(read())?.[1]), 'alice');
    // More than there is room for.
    for (let i = 0; i < 100; i++) expect((await client.send('{ __typename }')).status).toBe(200);
    await eventually('the log is full', () => statSync(log).size % 4_096 === 0);
    expect((await client.send('{ __typename }')).status).toBe(200);
    expect(await stop(limited)).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('should end with one line when it cannot even start', async () => {
    const limited = project.start('sh', ['-c', `ulimit -f 4 && ${START}`], env('none'));
    const { code, stderr, stdout } = await limited.ending;
    expect({ code, stdout }).toStrictEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^DATA_DIR "[^"]+\/none" cannot be used: [^\n]+\n$/);
  });

  it('should acknowledge nothing that it cannot store, show what it has stored, and go on after a restart', async () => {
    // 256 or 512 KiB, as the shell counts.
    const limited = project.start('sh', ['-c', `ulimit -f 512 && ${START}`], env('full'));
    const { client, port } = await clientFor(limited);
    const events = await client.subscribe('subscription { threadChanged { threadId } }');
    const heard = events.untilCut();
    const acknowledged: string[] = [];
    const refused: (readonly string[])[] = [];
    const text = 'x'.repeat(20_000);
    while (refused.length === 0 && acknowledged.length < 90) {
      const answers = await Promise.all(Array.from({ length: 5 }, () => create(client, text)));
      for (const answer of answers) {
        if (typeof answer === 'string') acknowledged.push(answer);
        else refused.push(answer);
      }
    }
    expect(acknowledged.length).toBeGreaterThan(4);
    // One that would still find room.
    const late = await create(client);
    for (const codes of [...refused, late]) expect(codes).toStrictEqual(['SERVICE_UNAVAILABLE']);

    expect(await readiness(port)).toBe(503);
    const stored = { totalCount: acknowledged.length, ids: acknowledged.toSorted() };
    expect(await list(client)).toStrictEqual(stored);
    await limited.prints(
      /"level":50,[^\n]*"folder":"[^"]+\/full","reason":"[^"]+","msg":"DATA_DIR cannot be written: no more mutations until a restart"/,
    );
    expect(await stop(limited)).toMatchObject({ code: 0, signal: null });
    const told = (await heard).flatMap(
      (event) =>
        z.object({ threadChanged: z.object({ threadId: z.string() }) }).safeParse(event.data).data
          ?.threadChanged.threadId ?? [],
    );
    expect(told.toSorted()).toStrictEqual(stored.ids);

    const server = project.server(env('full'));
    const again = await clientFor(server);
    expect(await readiness(again.port)).toBe(200);
    expect(await list(again.client)).toStrictEqual(stored);
    expect(await create(again.client, text)).toEqual(expect.any(String));
    expect(await stop(server)).toMatchObject({ code: 0, stderr: '' });
  });
});
