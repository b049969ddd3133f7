import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, clientOf, SECRET } from '../../process/client.ts';
import { copyProject, type Started } from '../../process/project.ts';

const project = copyProject();
const WARM_UP = 300;
const DOCUMENTS = 1_200;
const LONG_NAMED = 900;
/** Documents with conditions, and what these can be. */
const CONDITIONAL = 150;
const CONDITIONS = Array.from({ length: 16 }, (_, bits) => ({
  a: (bits & 1) > 0,
  b: (bits & 2) > 0,
  c: (bits & 4) > 0,
  d: (bits & 8) > 0,
}));

beforeAll(project.build, 60_000);
afterAll(() => project.remove());

describe('a stream of distinct documents', { timeout: 120_000 }, () => {
  it('should not make the process grow by more than 45 MiB', async () => {
    expect(await growthMiB(askLarge, WARM_UP, DOCUMENTS)).toBeLessThan(45);
  });

  it('should not make it grow by more than 110 MiB where each of them is many in one, by what it skips', async () => {
    expect(await growthMiB(askConditional, 20, CONDITIONAL)).toBeLessThan(110);
  });

  it('should not make it grow by more than 130 MiB where the names in their answers are long', async () => {
    expect(await growthMiB(askLongNamed, 20, LONG_NAMED)).toBeLessThan(130);
  });
});

/** By how much a server grows while it is asked for so many different documents. */
async function growthMiB(ask: typeof askLarge, warmUp: number, documents: number): Promise<number> {
  const server = project.server({ AUTH_SECRET: SECRET });
  const [, port] = await server.prints(/localhost:(\d+)/);
  const client = await clientOf(Number(port), 'alice');
  // As large as the others, so that V8's young generation is as large as it will be.
  for (let i = 0; i < warmUp; i++) await ask(client, 0);
  const pid = await pidOf(server);
  const before = residentMiB(pid);
  for (let i = 1; i <= documents; i++) await ask(client, i);
  const growth = residentMiB(pid) - before;
  server.send('SIGTERM');
  await server.ending;
  return growth;
}

function askLarge(client: Client, i: number): Promise<void> {
  const names = 'name '.repeat(220);
  return post(client, `{ __schema { queryType { a${i}: name ${names} } } } #${'x'.repeat(40_000)}`);
}

/** Is compiled for each combination of its variables, and its fragment wherever it is spread. */
async function askConditional(client: Client, i: number): Promise<void> {
  const spreads = ['a', 'b', 'c', 'd'].map((name) => `...F @skip(if: $${name})`).join(' ');
  const lists = Array.from({ length: 10 }, (_, alias) => `l${alias}: threads(first: 1) { ${spreads} }`);
  const query = `query q${i}($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!) { ${lists.join(' ')} }
    fragment F on ThreadConnection {
      nodes { id status runs(first: 1) { nodes { id assistant { id name } thread { id } } } }
    }`;
  for (const variables of CONDITIONS) await post(client, query, variables);
}

async function askLongNamed(client: Client, i: number): Promise<void> {
  const names = Array.from({ length: 20 }, (_, alias) => `a${i}_${alias}_${'x'.repeat(3_100)}`);
  const query = `{ ${names.map((name) => `${name}: thread(id: "x") { id }`).join(' ')} }`;
  // Once by yoga, and twice by what is compiled of it.
  for (let times = 0; times < 3; times++) await post(client, query);
}

async function post(client: Client, query: string, variables?: Record<string, unknown>): Promise<void> {
  expect((await client.send(query, variables)).status).toBe(200);
}

/** From the log line of a request. */
async function pidOf(server: Started): Promise<string> {
  const [, pid = ''] = await server.prints(/"pid":(\d+)/);
  return pid;
}

function residentMiB(pid: string): number {
  const file = `/proc/${pid}/status`;
  const kibibytes = existsSync(file)
    ? /VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1]
    : execFileSync('ps', ['-o', 'rss=', '-p', pid], { encoding: 'utf8' });
  return Number(kibibytes) / 1_024;
}
