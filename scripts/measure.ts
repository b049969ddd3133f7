import { createMemoryStores } from '../src/store/memory/stores.ts';
import { asOwner as owner, type Owner } from '../src/store/owner.ts';
import type { ThreadOrderField } from '../src/store/query.ts';
import type { Stores } from '../src/store/stores.ts';

/** Measures the stores in memory: the heap that a thread costs, and the time of a page by the length of its list. */
const ROUNDS = 2_000;

await measureMemory(1_000_000, 10_000);
for (const threads of [100, 10_000, 1_000_000]) await measurePages(threads);

async function measureMemory(threads: number, owners: number): Promise<void> {
  const before = heap();
  const stores = createMemoryStores();
  const names = Array.from({ length: owners }, (_, index) => owner(`owner-${index}`));
  const started = performance.now();
  for (let index = 0; index < threads; index++) {
    const of = names[index % owners];
    if (of !== undefined) fill(stores, of, index);
  }
  const seconds = (performance.now() - started) / 1_000;
  console.log(
    `${threads} threads over ${owners} owners: ${Math.round((heap() - before) / threads)} bytes of heap each, ` +
      `${Math.round(threads / seconds)} created a second`,
  );
  // Also keeps the stores alive up to here.
  console.log(`  ${await stores.threads.count(owner('owner-0'))} of them are the first owner's`);
}

async function measurePages(threads: number): Promise<void> {
  const stores = createMemoryStores();
  const one = owner('one');
  for (let index = 0; index < threads; index++) fill(stores, one, index);
  for (const field of ['CREATED_AT', 'UPDATED_AT'] as const) {
    const middle = await cursorAt(stores, one, field, threads / 2);
    console.log(
      `${threads} threads of one owner by ${field}: ` +
        `first page ${await time(stores, one, field, null)} µs, ` +
        `page in the middle ${await time(stores, one, field, middle)} µs`,
    );
  }
}

/** Microseconds for a page of 20, the median of many. */
async function time(
  stores: Stores,
  one: Owner,
  field: ThreadOrderField,
  after: string | null,
): Promise<string> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    const page = stores.threads.list(one, { orderBy: { field, direction: 'DESC' }, first: 20, after });
    times.push((performance.now() - started) * 1_000);
    if ((await page).items.length !== 20) throw new Error('A page of 20 was expected.');
  }
  return (times.toSorted((a, b) => a - b)[ROUNDS / 2] ?? Number.NaN).toFixed(1);
}

async function cursorAt(
  stores: Stores,
  one: Owner,
  field: ThreadOrderField,
  place: number,
): Promise<string | null> {
  let after: string | null = null;
  for (let passed = 0; passed < place; passed += 100) {
    const orderBy = { field, direction: 'DESC' } as const;
    const page = await stores.threads.list(one, { orderBy, first: Math.min(100, place - passed), after });
    const last = page.items.at(-1);
    if (last === undefined) break;
    after = page.cursorOf(last);
  }
  return after;
}

function fill(stores: Stores, one: Owner, index: number): void {
  void stores.threads.create(one, { metadata: { title: `Conversation ${index}`, channel: 'web' } });
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
