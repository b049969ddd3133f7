import { createMemoryStores } from '../../../src/store/memory/stores.ts';
import { openApi, send } from '../../support/api.ts';
import { many } from '../../http/limits/refusal.ts';

/** Sends distinct documents of many kinds, and writes the heap before and after: run with --expose-gc. In MiB. */
const COUNT = 150;

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

const { api } = openApi({ stores: createMemoryStores() });
for (const [as, make] of KINDS) await send(api, as, make(COUNT));
const before = heap();
for (const [as, make] of KINDS) for (let i = 0; i < COUNT; i++) await send(api, as, make(i));
const after = heap();
// Also keeps what the API holds alive up to here.
await send(api, null, '{ __typename }');
console.log(JSON.stringify({ before, after }));

function heap(): number {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1_048_576;
}
