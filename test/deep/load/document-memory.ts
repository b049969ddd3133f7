import { createMemoryStores } from '../../../src/store/memory/stores.ts';
import { heapSize } from '../../support/collect-garbage.ts';
import { openApi, send } from '../../support/api.ts';
import { many } from '../../http/limits/refusal.ts';

/** Sends distinct documents of many kinds, and prints the size of the heap before, and after each round, in bytes. */
const ROUNDS = 2;
/** Documents of a kind in a round: all of them together take far more memory than is kept for documents. */
const COUNT = 25;

const KINDS: readonly [as: string | null, make: (index: number) => string][] = [
  [
    'alice',
    (i) => `query A${i} { threads(filter: {metadata: {a: [${many(2_400, () => '[]')}]}}) { totalCount } }`,
  ],
  [
    'alice',
    (i) => `query B${i} { threads(filter: {metadata: {a: "${'字'.repeat(20_000)}"}}) { totalCount } }`,
  ],
  ['alice', (i) => `query C${i}${'x'.repeat(50_000)} { thread(id: 1) { ${many(200, () => 'a(b: $c)')} } }`],
  ['alice', (i) => `query D${i} { threads(filter: {metadata: {a: "${'x'.repeat(60_000)}"}}) { totalCount }`],
  ['alice', (i) => `query E${i} { ${many(1_500, () => 'threads { totalCount }')} }`],
  [null, (i) => `query F${i} { __type(name: "${'x'.repeat(50_000)}") { ${many(400, () => 'name')} } }`],
  [null, (i) => `query G${i} { thread(id: "${'x'.repeat(50_000)}") { ${many(400, () => 'id')} } }`],
  [null, (i) => `query H${i} { __typename "${'x'.repeat(50_000)}"`],
];

const opened = openApi({ stores: createMemoryStores() });
const api = opened.api;
for (const [as, make] of KINDS) await send(api, as, make(ROUNDS * COUNT));
const heaps = [await heapSize()];
for (let round = 0; round < ROUNDS; round++) {
  for (const [as, make] of KINDS) {
    for (let i = 0; i < COUNT; i++) {
      // What is sent once is not kept.
      for (let times = 0; times < 2; times++) await send(api, as, make(round * COUNT + i));
    }
  }
  heaps.push(await heapSize());
}
// Also keeps what the API holds alive up to here.
await send(api, null, '{ __typename }');
console.log(JSON.stringify(heaps));
