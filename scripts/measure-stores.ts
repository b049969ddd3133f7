import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { mintToken } from '../src/auth/mint-token.ts';
import { asOwner } from '../src/store/owner.ts';
import { startPostgres } from '../test/support/postgres/instance.ts';

/** Measures the server on each kind of stores: the same mutation and the same page through HTTP, in one run. */
const CONNECTIONS = 16;
/** How long each piece of work is done in a round, in milliseconds. */
const ROUND = 3_000;
const ROUNDS = 3;
const SECRET = 'a secret for measurements, 32 bytes or more';
const MUTATION =
  'mutation ($input: CreateThreadInput!) { createThread(input: $input) { thread { id createdAt } userErrors { code } } }';
const PAGE =
  'query ($first: Int!) { threads(first: $first) { edges { cursor node { id status metadata createdAt } } pageInfo { hasNextPage endCursor } } }';

const { scripts }: { scripts: { start: string } } = JSON.parse(readFileSync('package.json', 'utf8'));
const token = await mintToken({
  secret: SECRET,
  owner: asOwner('alice'),
  issuer: null,
  audience: null,
  ownerClaim: 'sub',
});
const folder = await mkdtemp(join(tmpdir(), 'agent-graphql-measure-'));
const postgres = await startPostgres({ durable: true });

const kinds = [
  { name: 'memory', env: {} },
  { name: 'disk', env: { DATA_DIR: join(folder, 'data') } },
  { name: 'PostgreSQL', env: { DATABASE_URL: postgres.url } },
];
const servers = [];
for (const { name, env } of kinds) servers.push({ name, ...(await start(env)) });

console.log(`Node.js ${process.version}, ${CONNECTIONS} connections, the median of ${ROUNDS} rounds`);
const figures = new Map(servers.map(({ name }) => [name, { creations: [0], pages: [0] }]));
for (let round = 0; round < ROUNDS; round++) {
  for (const { name, port } of servers) {
    const creations = await load(port, (index) => ({
      query: MUTATION,
      variables: { input: metadata(index) },
    }));
    const pages = await load(port, () => ({ query: PAGE, variables: { first: 20 } }));
    figures.get(name)?.creations.push(creations);
    figures.get(name)?.pages.push(pages);
  }
}
for (const { name, startTime, child, port } of servers) {
  const found = figures.get(name);
  const one = await time(port);
  console.log(
    `${name}: ${median(found?.creations)} threads created a second, ${median(found?.pages)} pages of 20 a second, ` +
      `${one} ms for one creation alone, ${startTime} ms to the first answer, ${memoryOf(child)} MB`,
  );
  child.kill('SIGTERM');
  await once(child, 'exit');
}
await postgres.stop();
await rm(folder, { recursive: true });

/** Starts a server, and waits for its first answer. */
async function start(env: Readonly<Record<string, string>>) {
  const began = performance.now();
  const child = spawn('sh', ['-c', scripts.start], {
    env: { PATH: process.env.PATH, PORT: '0', AUTH_SECRET: SECRET, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const port = Number(/localhost:(\d+)\/graphql/.exec(line)?.[1]);
    if (Number.isNaN(port)) continue;
    child.stdout.resume();
    await send(port, new Agent(), { query: '{ __typename }' });
    return { child, port, startTime: Math.round(performance.now() - began) };
  }
  throw new Error('The server has ended.');
}

/** Requests a second over some time. */
async function load(port: number, body: (index: number) => object): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const began = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() - began < ROUND) await send(port, agent, body(done++));
    }),
  );
  agent.destroy();
  return Math.round((done / (performance.now() - began)) * 1_000);
}

/** Milliseconds for one creation after another, the median of 200. */
async function time(port: number): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  for (let index = 0; index < 200; index++) {
    const began = performance.now();
    await send(port, agent, { query: MUTATION, variables: { input: metadata(index) } });
    times.push(performance.now() - began);
  }
  agent.destroy();
  return (times.toSorted((a, b) => a - b)[100] ?? Number.NaN).toFixed(2);
}

function send(port: number, agent: Agent, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const sent = request({ port, path: '/graphql', method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        if (response.statusCode === 200 && !text.includes('"errors"')) resolve();
        else reject(new Error(text));
      });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

function metadata(index: number) {
  return { metadata: { title: `Conversation ${index}`, channel: 'web' } };
}

function median(values: readonly number[] = []): number {
  const sorted = values.slice(1).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function memoryOf({ pid }: ChildProcess): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1_024);
}
