import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ProvidedContext } from 'vitest';

/** What takes the values that tests inject; vitest gives its main project. */
interface Provider {
  provide<Key extends 'slowness' | 'seed'>(key: Key, value: ProvidedContext[Key]): void;
}

/** Provides what is different in each run of the deep tests, and prints it. */
export async function setup({ provide }: Provider): Promise<void> {
  const seed = chooseSeed(process.env['TEST_SEED']);
  const factor = await measureSlowness();
  console.log(`TEST_SEED=${seed}, slowness ${factor.toFixed(1)}`);
  provide('seed', seed);
  provide('slowness', factor);
}

/** Seeds are 32-bit integers: fast-check reads no more of them. */
const SEEDS = 2 ** 31;

function chooseSeed(given = ''): number {
  if (given === '') return randomInt(SEEDS);
  const seed = Number(given);
  if (Number.isInteger(seed) && seed >= 0 && seed < SEEDS) return seed;
  throw new Error(`TEST_SEED is an integer from 0 to ${SEEDS - 1}, not ${JSON.stringify(given)}.`);
}

/** How many threads work at once while the deep tests run: two of vitest, and the server of each. */
const THREADS = 4;

/** How long {@link WORK} takes alone on an idle machine of two slow cores, in milliseconds. */
const IDLE = 450;

/** What servers do most: JSON and hashes. */
const WORK = `
const { createHash } = require('node:crypto');
let record = { items: Array.from({ length: 1_000 }, (_, id) => ({ id, name: 'item ' + id })) };
for (let round = 0; round < 500; round++) {
  record = JSON.parse(JSON.stringify(record));
  record.hash = createHash('sha256').update(JSON.stringify(record)).digest('hex');
}
`;

async function measureSlowness(): Promise<number> {
  const start = performance.now();
  await Promise.all(Array.from({ length: THREADS }, () => once(new Worker(WORK, { eval: true }), 'exit')));
  return Math.max(1, (performance.now() - start) / IDLE);
}
