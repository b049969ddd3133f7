import { expect } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { connected } from '../../support/postgres/admin.ts';
import { type Proxy, startProxy } from '../../support/postgres/proxy.ts';
import { bound } from '../../support/slowness.ts';
import { type Answer, clientOf, codesOf, readiness, SERVER } from '../../process/client.ts';
import { greeting, type Project, type Started } from '../../process/project.ts';

/** A server with its database, and a network between them that can fail. */
export interface Scene {
  readonly server: Started;
  readonly port: number;
  readonly proxy: Proxy;
  /** The database itself, as an administrator. */
  readonly adminUrl: string;
}

/** What becomes of the database, or of the way to it. */
export interface Outage {
  leave(scene: Scene): unknown;
  /** Lets it come back; absent where it was never away, and only its connections are lost. */
  readonly comeBack?: (scene: Scene) => unknown;
  /** Whether nothing is lost of what is sent, and only late: subscribers may then go on as if nothing had happened. */
  readonly isPause?: boolean;
}

/** Requests of a flood. */
const FLOOD = 200;
/** Places of the pool, unless told. */
const PLACES = 10;
export const CREATE = 'mutation { createThread { thread { id } } }';
const COUNT = '{ threads { totalCount } }';

/** Starts a server whose way to its database leads through a proxy. */
export async function openScene(
  project: Project,
  { url, adminUrl }: { readonly url: string; readonly adminUrl: string },
): Promise<Scene> {
  const proxy = await startProxy(url);
  const server = project.server({ ...SERVER, DATABASE_URL: proxy.through(url) });
  return { server, port: (await greeting(server)).port, proxy, adminUrl };
}

/** As many mutations at the same time as the pool has places: each waits for the same lock, on a connection of its own. */
export async function useAllPlaces({ port, adminUrl }: Scene): Promise<void> {
  const client = await clientOf(port, 'alice');
  let running: readonly Promise<Answer>[] = [];
  await connected(adminUrl, (sql) =>
    sql.begin(async (tx) => {
      await tx`LOCK TABLE agent_graphql.threads IN ACCESS EXCLUSIVE MODE`;
      running = Array.from({ length: PLACES }, () => client.send(CREATE));
      await eventually('all places are used', async () => {
        // Within a transaction, what was once read of it stays as it was.
        await tx`SELECT pg_stat_clear_snapshot()`;
        const { count } = await tx`SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'agent-graphql' AND wait_event_type = 'Lock'`;
        return count === PLACES;
      });
    }),
  );
  for (const answer of running) expect((await answer).status).toBe(200);
}

/** Expects nothing of where the database is, who asks it and what. */
export function expectNoDetail({ proxy, adminUrl }: Scene, text: string): void {
  const { port, password } = new URL(adminUrl);
  const { port: between } = new URL(proxy.through(adminUrl));
  const details = [
    port,
    password,
    between,
    '127.0.0.1',
    'ECONN',
    'agent_graphql',
    'INSERT',
    'SELECT',
    'stack',
  ];
  expect(details.filter((detail) => text.includes(detail))).toEqual([]);
}

/** Lets the database go away and come back, and expects the server to refuse in time, to stay, and to recover. */
export async function endure(scene: Scene, { leave, comeBack, isPause = false }: Outage): Promise<void> {
  const { port } = scene;
  const client = await clientOf(port, 'alice');
  await useAllPlaces(scene);
  const stream = await client.subscribe('subscription { threadChanged { threadId } }');
  const next = stream.next().catch(() => 'cut');
  const left = performance.now();
  await leave(scene);

  if (comeBack !== undefined) {
    const asked = performance.now();
    expect(await readiness(port)).toBe(503);
    expect(performance.now() - asked).toBeLessThan(bound(2_000, 1_250));
    const answers = await Promise.all(
      Array.from({ length: FLOOD }, (_, index) => client.send(index % 2 === 0 ? CREATE : COUNT)),
    );
    for (const { status, text, body } of answers) {
      expect({ status, codes: codesOf(body) }).toEqual({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
      expectNoDetail(scene, text);
    }
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    await comeBack(scene);
  }

  const back = performance.now();
  await eventually('it is ready', async () => (await readiness(port)) === 200);
  await eventually('a mutation is stored', async () => (await client.send(CREATE)).status === 200);
  expect(performance.now() - back).toBeLessThan(bound(6_000));
  await useAllPlaces(scene);
  // The stream was cut, so that its client subscribes again.
  const event = await next;
  if (comeBack === undefined) expect(performance.now() - left).toBeLessThan(bound(11_000, 10_250));
  if (!isPause) expect(event).toBe('cut');
  await stream.cancel().catch(() => {});
}

/** Ends the server, and expects it to have lived all the time, to have refused in time, and to have said why. */
export async function expectALongLife(
  { server, adminUrl }: Scene,
  reasons: readonly string[],
): Promise<void> {
  server.send('SIGTERM');
  const { code, signal, stdout, stderr } = await server.ending;
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  const refused = stdout.matchAll(/"status":503,[^\n]*"durationMs":([\d.]+)/g);
  const longest = Math.max(0, ...Array.from(refused, ([, duration]) => Number(duration)));
  expect(longest).toBeLessThan(bound(6_000, 5_250));
  // Not as one text, which would be printed whole where it does not fit.
  expect(reasons.filter((reason) => !stdout.includes(reason))).toEqual([]);
  expect(stdout.includes(new URL(adminUrl).password)).toBe(false);
}
