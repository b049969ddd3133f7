import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, clientOf, SECRET } from '../../process/client.ts';
import { openProject, type Project } from '../../process/project.ts';

/** By how much the size of a heap differs from one time to the next, in bytes. */
const NOISE = 4_194_304;

/** How much garbage V8 may leave: twice its young generation, in bytes. It would be twice as much by its defaults. */
const GARBAGE = 67_108_864;

/** At SIGUSR2 prints what the heap holds, and how much garbage it held besides, in bytes. */
const TELL_AT_SIGNAL = `
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const size = () => process.memoryUsage().heapUsed;
let count = 0;
process.on('SIGUSR2', () => {
  const before = size();
  for (let i = 0; i < 4; i++) collect();
  count++;
  process.stdout.write('heap ' + count + ': ' + size() + ' ' + (before - size()) + '.\\n');
});
`;

/** What the conditions of a document can be. */
const CONDITIONS = Array.from({ length: 16 }, (_, bits) => ({
  a: (bits & 1) > 0,
  b: (bits & 2) > 0,
  c: (bits & 4) > 0,
  d: (bits & 8) > 0,
}));

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

describe('a server that is sent documents which are all different', () => {
  it.each([
    ['large ones', 150, askLarge],
    ['ones that are compiled anew for each of their variables', 20, askConditional],
    ['ones with long names in their answers', 100, askLongNamed],
  ])(
    'should hold no more after a second round of them than after the first: %s',
    async (_kind, count, ask) => {
      const server = project.server({
        AUTH_SECRET: SECRET,
        NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(TELL_AT_SIGNAL)}`,
      });
      const [, port] = await server.prints(/localhost:(\d+)/);
      const client = await clientOf(Number(port), 'alice');

      async function heapAfter(round: number): Promise<{ readonly held: number; readonly garbage: number }> {
        for (let i = 0; i < count; i++) await ask(client, round * count + i);
        server.send('SIGUSR2');
        const [, held, garbage] = await server.prints(new RegExp(`heap ${round}: (\\d+) (-?\\d+)\\.`));
        return { held: Number(held), garbage: Number(garbage) };
      }

      const first = await heapAfter(1);
      const second = await heapAfter(2);
      expect(second.held - first.held).toBeLessThan(NOISE);
      expect(second.garbage).toBeLessThan(GARBAGE);
      server.send('SIGTERM');
      await server.ending;
    },
  );
});

async function askLarge(client: Client, i: number): Promise<void> {
  const names = 'name '.repeat(220);
  const query = `{ __schema { queryType { a${i}: name ${names} } } } #${'x'.repeat(40_000)}`;
  // What is sent once is not kept.
  for (let times = 0; times < 2; times++) await post(client, query);
}

/** Is compiled for each combination of its variables, and its fragment wherever it is spread. */
async function askConditional(client: Client, i: number): Promise<void> {
  const spreads = ['a', 'b', 'c', 'd'].map((name) => `...F @skip(if: $${name})`).join(' ');
  const lists = Array.from({ length: 10 }, (_, alias) => `l${alias}: threads(first: 1) { ${spreads} }`);
  const query = `query q${i}($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!) { ${lists.join(' ')} }
    fragment F on ThreadConnection {
      nodes { id status runs(first: 1) { nodes { id assistant { id name } thread { id } } } }
    }`;
  for (const variables of [{ a: true, b: true, c: true, d: true }, ...CONDITIONS])
    await post(client, query, variables);
}

async function askLongNamed(client: Client, i: number): Promise<void> {
  const names = Array.from({ length: 20 }, (_, alias) => `a${i}_${alias}_${'x'.repeat(3_100)}`);
  const query = `{ ${names.map((name) => `${name}: thread(id: "x") { id }`).join(' ')} }`;
  // As a client that asks again.
  for (let times = 0; times < 4; times++) await post(client, query);
}

async function post(client: Client, query: string, variables?: Record<string, unknown>): Promise<void> {
  expect((await client.send(query, variables)).status).toBe(200);
}
