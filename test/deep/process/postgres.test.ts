import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, sharedPostgres, type TestDatabase } from '../../support/postgres/database.ts';
import { type Proxy, startProxy } from '../../support/postgres/proxy.ts';
import { bound } from '../../support/slowness.ts';
import { type Answer, clientOf, codesOf, readiness, SERVER } from '../../process/client.ts';
import { greeting, openProject, type Project, type Started } from '../../process/project.ts';

let project: Project;
/** What is to be done at the end, the latest first. */
const endings: (() => unknown)[] = [];

beforeAll(async () => {
  project = await openProject();
});

afterAll(async () => {
  await project.remove();
  for (const end of endings.toReversed()) await end();
});

async function openDatabase(): Promise<TestDatabase> {
  const database = await createDatabase();
  endings.push(() => database.drop());
  return database;
}

async function openProxy(url: string): Promise<Proxy> {
  const proxy = await startProxy(url);
  endings.push(() => proxy.close());
  return proxy;
}

async function startServer(url: string, env: Record<string, string> = {}) {
  const server = project.server({ ...SERVER, DATABASE_URL: url, ...env });
  return { server, port: (await greeting(server)).port };
}

async function stop(server: Started) {
  server.send('SIGTERM');
  return server.ending;
}

/** How many connections the servers have to a database. */
async function connections({ adminUrl }: TestDatabase): Promise<number> {
  return connected(adminUrl, async (sql) => {
    const { count } = await sql`SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'agent-graphql'`;
    return count;
  });
}

const CREATE = 'mutation { createThread { thread { id } } }';
const UPDATE = `mutation($id: ID!, $round: Int!) {
  updateThread(input: {id: $id, metadata: {round: $round}}) { thread { id } userErrors { message } } }`;
const CHANGED = 'subscription { threadChanged { threadId kind thread { id metadata status } } }';
const COUNT = '{ threads { totalCount } }';

describe.concurrent('servers on one database', () => {
  it('should tell all subscribers of what happens at any of them, once, in order, and of nobody else’s', async () => {
    const { url } = await openDatabase();
    const servers = await Promise.all([startServer(url), startServer(url)]);
    const clients = await Promise.all(servers.map(({ port }) => clientOf(port, 'alice')));
    const streams = await Promise.all(clients.map((client) => client.subscribe(CHANGED)));
    const strangers = await Promise.all(servers.map(({ port }) => clientOf(port, 'bob')));
    const strange = await Promise.all(strangers.map((client) => client.subscribe(CHANGED)));

    const [first] = clients;
    const created = await first?.send(CREATE);
    const id = /"id":"(\w+)"/.exec(created?.text ?? '')?.[1] ?? '';
    const rounds = Array.from({ length: 40 }, (_, round) => round);
    const answers = await Promise.all(
      rounds.map(async (round) => clients[round % 2]?.send(UPDATE, { id, round })),
    );
    expect(answers.map((answer) => answer?.status)).toEqual(rounds.map(() => 200));
    // A refused mutation changes nothing; a deletion is the last word.
    const assistant = `mutation { createRun(input: {threadId: "${id}", assistantId: "${randomUUID()}"}) { userErrors { code } } }`;
    expect((await first?.send(assistant))?.text).toContain('NOT_FOUND');
    await clients[1]?.send(`mutation { deleteThread(id: "${id}") { success } }`);

    const seen: string[][] = [];
    for (const stream of streams) {
      const events: string[] = [];
      while (!events.at(-1)?.includes('DELETED')) events.push(JSON.stringify((await stream.next())?.data));
      seen.push(events);
    }
    const [one = [], other = []] = seen;
    expect(one).toHaveLength(42);
    expect(other).toEqual(one);
    const told = one.flatMap((event) => /"round":(\d+)/.exec(event)?.[1] ?? []).map(Number);
    expect(told.toSorted((a, b) => a - b)).toEqual(rounds);
    for (const event of one) expect(event).toContain(id);

    // The streams of the stranger hold nothing but their own.
    await strangers[0]?.send(CREATE);
    for (const stream of strange) {
      const event = JSON.stringify(await stream.next());
      expect(event).toMatch(/"CREATED"/);
      expect(event).not.toContain(id);
    }
    const stopped = servers.map(({ server }) => stop(server));
    for (const stream of strange) expect(await stream.untilCut()).toEqual([]);
    for (const ending of stopped) expect(await ending).toMatchObject({ code: 0, stderr: '' });
  });

  it('should end the streams when a listener was lost, and tell new ones of what is changed then', async () => {
    const database = await openDatabase();
    const { server, port } = await startServer(database.url);
    const client = await clientOf(port, 'alice');
    const stream = await client.subscribe(CHANGED);
    await connected(
      database.adminUrl,
      (sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'agent-graphql'`,
    );
    const ended = performance.now();
    expect(await stream.untilCut()).toEqual([]);
    // Whoever subscribes before it listens again is told once more.
    await eventually('a stream tells of a change', async () => {
      const next = await client.subscribe(CHANGED);
      await client.send(CREATE);
      const event = await next.next().catch(() => null);
      if (event === null) return false;
      await next.cancel();
      return JSON.stringify(event).includes('CREATED');
    });
    expect(performance.now() - ended).toBeLessThan(bound(3_000));
    const { stdout } = await stop(server);
    expect(stdout).toMatch(/"reason":"the connection was closed","msg":"changes may have been missed/);
  });

  it('should cut the streams and not be ready while notifications do not arrive', async () => {
    const { url } = await openDatabase();
    const proxy = await openProxy(url);
    const { server, port } = await startServer(proxy.through(url));
    const client = await clientOf(port, 'alice');
    const stream = await client.subscribe(CHANGED);
    proxy.be('drop notifications');
    expect(await stream.untilCut()).toEqual([]);
    expect(await readiness(port)).toBe(503);
    expect((await client.send(CREATE)).status).toBe(200);
    proxy.be('pass');
    await eventually('it is ready', async () => (await readiness(port)) === 200);
    const { stdout } = await stop(server);
    expect(stdout).toContain('"reason":"notifications do not arrive"');
  });

  it('should close its connections when it is told to stop, with what still runs', async () => {
    const database = await openDatabase();
    const { server, port } = await startServer(database.url, {
      DATABASE_POOL_SIZE: '3',
      DATABASE_STATEMENT_TIMEOUT: '600',
    });
    const client = await clientOf(port, 'alice');
    const stream = await client.subscribe(CHANGED);
    const { answers, ending } = await connected(database.adminUrl, (sql) =>
      sql.begin(async (tx) => {
        await tx`LOCK TABLE agent_graphql.threads IN ACCESS EXCLUSIVE MODE`;
        const sent = Promise.allSettled(Array.from({ length: 50 }, () => client.send(CREATE)));
        // Those of the pool, and the one that listens.
        await eventually('all connections are busy', async () => (await connections(database)) === 4);
        return { answers: sent, ending: stop(server) };
      }),
    );
    const statuses = await answers;
    // What was accepted is answered, the rest was never connected.
    const answered = statuses.flatMap((one) => (one.status === 'fulfilled' ? one.value.status : []));
    expect(new Set(answered)).toEqual(new Set([200]));
    await stream.untilCut();
    expect(await ending).toMatchObject({ code: 0, signal: null, stderr: '' });
    await eventually('no connection is left', async () => (await connections(database)) === 0);
  });

  it('should send the events of a run as they come, whichever server its worker uses', async () => {
    const { url } = await openDatabase();
    const servers = await Promise.all([startServer(url), startServer(url)]);
    const [worker, reader] = await Promise.all(servers.map(({ port }) => clientOf(port, 'alice')));
    if (worker === undefined || reader === undefined) throw new TypeError('There are two servers.');
    const { text: assistant } = await worker.send(
      'mutation { createAssistant(input: { graphId: "g" }) { assistant { id } } }',
    );
    const [, assistantId = ''] = /"id":"(\w+)"/.exec(assistant) ?? [];
    const { text: created } = await worker.send(
      'mutation($assistantId: ID!) { createRun(input: { assistantId: $assistantId }) { run { id } } }',
      { assistantId },
    );
    const [, runId = ''] = /"id":"(\w+)"/.exec(created) ?? [];
    const { text: claimed } = await worker.send(
      'mutation { claimRuns(input: { worker: "w", graphIds: ["g"] }) { claims { lease } } }',
    );
    const [, lease = ''] = /"lease":"([^"]+)"/.exec(claimed) ?? [];
    const events = await reader.subscribe(
      `subscription { runEvents(runId: "${runId}") { events { type } done } }`,
    );
    expect((await events.next())?.data).toMatchObject({ runEvents: { events: [{ type: 'RUN_STARTED' }] } });
    for (const [offset, type] of ['A', 'B', 'C'].entries()) {
      await worker.send(
        `mutation($lease: String!) {
          appendRunEvents(input: { lease: $lease, offset: ${offset}, events: [{ type: "${type}" }] }) { lease { held } } }`,
        { lease },
      );
      expect((await events.next())?.data).toEqual({ runEvents: { events: [{ type }], done: false } });
    }
    await events.cancel();
    await Promise.all(servers.map(({ server }) => stop(server)));
  });

  it('should end a statement that takes longer than it may', async () => {
    const database = await openDatabase();
    const { server, port } = await startServer(database.url, { DATABASE_STATEMENT_TIMEOUT: '1' });
    const client = await clientOf(port, 'alice');
    await connected(database.adminUrl, (sql) =>
      sql.begin(async (tx) => {
        await tx`LOCK TABLE agent_graphql.threads IN ACCESS EXCLUSIVE MODE`;
        const start = performance.now();
        const answers = await Promise.all([client.send(CREATE), client.send(COUNT)]);
        expect(performance.now() - start).toBeLessThan(bound(2_000, 1_250));
        for (const { status, body } of answers) {
          expect({ status, codes: codesOf(body) }).toEqual({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
        }
      }),
    );
    let answer: Answer | undefined;
    await eventually('it answers again', async () => {
      answer = await client.send(COUNT);
      return answer.status === 200;
    });
    expect(answer?.body).toEqual({ data: { threads: { totalCount: 0 } } });
    const { stdout } = await stop(server);
    // PostgreSQL's own timeout, or the server's, 250 ms later.
    expect(stdout).toMatch(/canceling statement due to statement timeout|no answer within 1250 ms/);
  });

  it('should measure no resources, since they are elsewhere', async () => {
    const { url } = await openDatabase();
    const { server, port } = await startServer(url, { METRICS_PORT: '0' });
    const [, metrics = ''] = await server.prints(/"port":(\d+)[^\n]*"msg":"serving metrics"/);
    await (await clientOf(port, 'alice')).send(CREATE);
    const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    expect(text).toContain('\nagent_graphql_requests_total{type="mutation",outcome="ok",code="none"} 1\n');
    expect(text).not.toMatch(/^agent_graphql_resources\b/m);
    await stop(server);
  });

  it('should work for a role that sees everybody’s, and warn of it', async () => {
    const { adminUrl } = await openDatabase();
    const { server, port } = await startServer(adminUrl);
    const alice = await clientOf(port, 'alice');
    const bob = await clientOf(port, 'bob');
    expect((await alice.send(CREATE)).status).toBe(200);
    expect((await alice.send(COUNT)).body).toEqual({ data: { threads: { totalCount: 1 } } });
    expect((await bob.send(COUNT)).body).toEqual({ data: { threads: { totalCount: 0 } } });
    const { stdout } = await stop(server);
    expect(stdout).toMatch(/"level":40[^\n]*row-level security does not apply to the role of DATABASE_URL/);
  });
});

describe('a start on a database that cannot be used', () => {
  const PASSWORD = 'a-password-nobody-may-see';

  it.concurrent.each<[string, (database: TestDatabase) => Promise<string>, RegExp]>([
    ['nothing listens', async () => `postgres://alice:${PASSWORD}@127.0.0.1:1/agents`, /ECONNREFUSED/],
    [
      'its name leads to several addresses',
      async () => `postgres://alice:${PASSWORD}@localhost:1/agents`,
      /ECONNREFUSED/,
    ],
    [
      'an unknown host',
      async () => `postgres://alice:${PASSWORD}@nowhere.invalid/agents`,
      // Where no server for names answers, connecting takes longer than it may.
      /nowhere\.invalid|no connection within 5000 ms/,
    ],
    ['a wrong password', async ({ url }) => withPassword(url, PASSWORD), /password authentication failed/],
    ['a password that is no text', async ({ url }) => url.replace(/:\w+@/, `:${PASSWORD}%ZZ@`), /malformed/],
    [
      'an unknown database',
      async ({ adminUrl }) => adminUrl.replace(/[^/]+$/, 'no_such_database'),
      /"no_such_database" does not exist/,
    ],
    [
      'a role that may not create the schema',
      async ({ url, adminUrl }) => {
        const { username, pathname } = new URL(url);
        await connected(adminUrl, (sql) =>
          sql.unsafe(`REVOKE CREATE ON DATABASE ${pathname.slice(1)} FROM ${username}`),
        );
        return url;
      },
      /permission denied/,
    ],
    [
      'a database that is not UTF8',
      async ({ url }) => {
        const name = `${new URL(url).pathname.slice(1)}_latin`;
        const server = await sharedPostgres();
        await connected(server, (sql) =>
          sql.unsafe(
            `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'`,
          ),
        );
        endings.push(() => connected(server, (sql) => sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`)));
        return server.replace(/[^/]+$/, name);
      },
      /LATIN1/,
    ],
    [
      'it hangs up',
      async ({ url }) => {
        const proxy = await openProxy(url);
        proxy.be('hang up');
        return proxy.through(url);
      },
      /closed/,
    ],
    [
      'notifications do not arrive',
      async ({ url }) => {
        const proxy = await openProxy(url);
        proxy.be('drop notifications');
        return proxy.through(url);
      },
      /session mode/,
    ],
    ['a part that is not supported', async ({ url }) => `${url}?channel_binding=require`, /verify-full/],
    ['a file that is missing', async ({ url }) => `${url}?sslrootcert=/none.pem`, /sslrootcert .*ENOENT/],
    ['it does not speak TLS', async ({ url }) => `${url}?sslmode=require`, /does not support TLS/],
  ])('should say so in one line: %s', async (_name, urlFor, reason) => {
    const database = await openDatabase();
    const url = await urlFor(database);
    const { code, signal, stdout, stderr } = await project.server({ ...SERVER, DATABASE_URL: url }).ending;
    expect(stderr).toMatch(/^DATABASE_URL [^\n]+\n$/);
    expect(stderr).toMatch(reason);
    expect({ code, signal, stdout }).toEqual({ code: 1, signal: null, stdout: '' });
    expect(stderr).not.toContain(PASSWORD);
    expect(stderr).not.toContain(new URL(url).password || PASSWORD);
  });

  it('should wait no longer than 6 s for an answer', async () => {
    const { url } = await openDatabase();
    const proxy = await openProxy(url);
    proxy.be('swallow');
    const { ending } = project.server({ ...SERVER, DATABASE_URL: proxy.through(url) });
    await eventually('it connects', () => proxy.accepted > 0);
    const start = performance.now();
    const { code, stdout, stderr } = await ending;
    expect(performance.now() - start).toBeLessThan(bound(6_000, 5_000));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe('DATABASE_URL names a database that cannot be used: no connection within 5000 ms\n');
  });
});

describe('readiness', () => {
  it('should be there as soon as it listens', async () => {
    const { url } = await openDatabase();
    const { server, port } = await startServer(url);
    expect(await readiness(port)).toBe(200);
    await stop(server);
  });
});

function withPassword(url: string, password: string): string {
  const other = new URL(url);
  other.password = password;
  return other.href;
}
