import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { mintToken } from '../src/auth/mint-token.ts';
import { asOwner } from '../src/store/owner.ts';
import { connected } from '../test/support/postgres/admin.ts';

/** Servers to measure, and the memory and processor time of their processes. */
const SECRET = 'a secret for measurements, 32 bytes or more';
const SCOPE = 'agent-graphql:worker';
/** Collects garbage when it is asked to, and prints what is left. */
const REPORT = `process.on("SIGUSR2",()=>{gc();gc();const m=process.memoryUsage();console.log("memory "+(m.heapUsed+m.external)+" "+m.rss)})`;

const { scripts }: { scripts: { start: string } } = JSON.parse(readFileSync('package.json', 'utf8'));

/** A server in a process of its own. */
export interface MeasuredServer {
  readonly port: number;
  readonly pid: number;
  /** Bytes after a garbage collection: the heap with external memory, and the resident set size. */
  memory(): Promise<{ readonly used: number; readonly resident: number }>;
  stop(): Promise<void>;
}

/** The command of a server that holds responses open by hand. */
export const BY_HAND = 'exec node --max-semi-space-size=32 --import tsx scripts/by-hand-server.ts';

/** Starts a server. @param start its command. Default: that of `npm start`. */
export async function startServer(
  env: Readonly<Record<string, string>>,
  start = scripts.start,
): Promise<MeasuredServer> {
  const command = start.replace(
    'node ',
    `node --expose-gc --import 'data:text/javascript,${encodeURIComponent(REPORT)}' `,
  );
  const child: ChildProcess = spawn('sh', ['-c', command], {
    env: { PATH: process.env.PATH, PORT: '0', AUTH_SECRET: SECRET, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { stdout, pid } = child;
  if (stdout === null || pid === undefined) throw new Error('The server did not start.');
  const lines = createInterface({ input: stdout });
  const port = Number(await lineLike(lines, /localhost:(\d+)\/graphql/));
  return {
    port,
    pid,
    async memory() {
      const line = lineLike(lines, /^memory (.*)$/);
      child.kill('SIGUSR2');
      const [used = 0, resident = 0] = (await line).split(' ').map(Number);
      return { used, resident };
    },
    async stop() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function lineLike(lines: ReturnType<typeof createInterface>, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.on('line', function look(line: string) {
      const found = pattern.exec(line)?.[1];
      if (found === undefined) return;
      lines.off('line', look);
      resolve(found);
    });
    lines.once('close', () => reject(new Error('The server has ended.')));
  });
}

/** A token of an owner, or of a worker of all owners. */
export function tokenOf(name: string, isWorker = false): Promise<string> {
  return mintToken({
    secret: SECRET,
    owner: asOwner(name),
    issuer: null,
    audience: null,
    ownerClaim: 'sub',
    ...(isWorker && { worker: { scope: SCOPE, graphs: null } }),
  });
}

/** Sends an operation. @param accept other than JSON */
export function open(
  port: number,
  agent: Agent,
  token: string,
  body: object,
  accept = 'application/json',
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}`, accept };
    const sent = request({ port, path: '/graphql', method: 'POST', agent, headers }, (response) => {
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`status ${response.statusCode}`));
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/** Sends an operation. Returns the value of its only field. */
export async function send<T>(port: number, agent: Agent, token: string, body: object): Promise<T> {
  const response = await open(port, agent, token, body);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  const { data, errors }: { data: Record<string, T>; errors?: unknown } = JSON.parse(text);
  const [value] = Object.values(data ?? {});
  if (errors !== undefined || value === undefined || /"code":"/.test(text)) throw new Error(text);
  return value;
}

/** Creates a database with a role to which row-level security applies. Returns its address. */
export async function createDatabase(url: string, name: string): Promise<string> {
  await connected(url, async (sql) => {
    await sql.unsafe(`CREATE ROLE ${name} LOGIN PASSWORD '${name}'`);
    await sql.unsafe(`CREATE DATABASE ${name} OWNER ${name} TEMPLATE template0`);
  });
  const address = new URL(url);
  Object.assign(address, { username: name, password: name, pathname: `/${name}` });
  return address.href;
}

/** The id of the postmaster, the process of PostgreSQL that starts all others. */
export async function postmasterOf(url: string): Promise<number> {
  return connected(url, async (sql) => {
    const [row] = await sql<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
    return Number(statOf(row?.pid ?? 0)?.[1]);
  });
}

/** Milliseconds of processor time that some processes, with those that they have started, have taken. */
export function processorTime(pids: readonly number[]): number {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  let ticks = 0;
  for (const name of all) {
    const stat = statOf(Number(name));
    const isOne = pids.includes(Number(name));
    if (stat === null || !(isOne || pids.includes(Number(stat[1])))) continue;
    // Its own, and for those that started others also that of the ones that have ended.
    for (const field of isOne ? [11, 12, 13, 14] : [11, 12]) ticks += Number(stat[field]);
  }
  return ticks * 10;
}

/** The fields of /proc/<pid>/stat after the name, the state first. */
function statOf(pid: number): readonly string[] | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return null;
  }
}
