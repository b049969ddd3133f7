import * as fc from 'fast-check';
import { parse, validate } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/schema.ts';
import { createMemoryStores } from '../../src/store/memory/stores.ts';
import { asOwner } from '../../src/store/owner.ts';
import { executorOf, openApi, post } from '../support/api.ts';
import { type Fate, faultyStores } from '../support/faulty-stores.ts';
import { THEN, createAssistant, createRun, createThread, moveRun } from '../support/requests.ts';
import { valueOf } from '../support/bench.ts';
import { drawRequest, type Subject } from '../support/valid-requests.ts';

/** Whatever the API answers, `post` compares both ways byte for byte: here only the requests are made. */
const memory = createMemoryStores();
const ids: string[] = [];
const cursors: string[] = [];
const subject: Subject = { schema, ids, cursors };

beforeAll(async () => {
  const { api } = openApi({ stores: memory });
  const assistant = await createAssistant(api, 'alice', { name: 'a name', metadata: THEN });
  for (let i = 0; i < 3; i++) {
    const thread = await createThread(api, 'alice', { i, ключ: '"\u2028' });
    const run = await createRun(api, 'alice', thread, assistant);
    if (i === 1) await moveRun(api, 'alice', run, 'ERROR');
    ids.push(thread, run);
  }
  ids.push(assistant);
  const page = await memory.threads.list(asOwner('alice'), {
    orderBy: { field: 'CREATED_AT', direction: 'DESC' },
  });
  cursors.push(...page.items.map((item) => page.cursorOf(item)));
});

/** How many requests there are of each kind. */
const RUNS = 250;

/**
 * Each is for all calls of a method, and no call throws at once where others reject: in one list, that would make
 * yoga's executor leave a rejection alone, which ends the process.
 */
const WELL: readonly Fate[] = ['value', 'promise', 'late', 'value'];
const BADLY: readonly Fate[] = [...many(12, 'value'), 'nothing', 'throw', 'refuse'];
const LATER: readonly Fate[] = [
  ...many(6, 'promise'),
  ...many(6, 'late'),
  'nothing later',
  'reject',
  'refuse later',
  'outage',
];

function many(count: number, fate: Fate): readonly Fate[] {
  return Array.from({ length: count }, () => fate);
}

interface Case {
  readonly how: string;
  readonly fates: readonly Fate[];
  /** The share of answers with errors beside data, at least. */
  readonly errors: number;
}

describe('valid documents made at random', { timeout: 120_000 }, () => {
  it.each<Case>([
    { how: 'at once', fates: ['value'], errors: 0 },
    { how: 'at once or by promises', fates: WELL, errors: 0 },
    { how: 'with errors at once', fates: BADLY, errors: 0.05 },
    { how: 'with errors by promises', fates: LATER, errors: 0.05 },
  ])('should be answered the same both ways, from stores that answer $how', async ({ fates, errors }) => {
    const seen = { all: 0, valid: 0, byFront: 0, withData: 0, withBoth: 0, withNullAbove: 0 };
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (draw) => {
        const request = drawRequest(draw, subject);
        const steady = new Map<string, Fate>();
        const stores = faultyStores(memory, (method) => {
          const fate = steady.get(method) ?? draw(() => fc.constantFrom(...fates));
          if (fates === WELL) steady.set(method, fate);
          return fate;
        });
        const { api } = openApi({ stores });
        const { body } = await post(api, 'alice', JSON.stringify(request));
        const hasData = body.data != null;
        seen.all++;
        if (validate(schema, parse(request.query)).length === 0) seen.valid++;
        if (executorOf(api) === 'front') seen.byFront++;
        if (hasData) seen.withData++;
        if (hasData && body.errors !== undefined) seen.withBoth++;
        if (body.errors?.some(({ path = [] }) => isNullAbove(body.data, path))) seen.withNullAbove++;
      }),
      // A case is large and each step of shrinking it costs as much: the seed is enough to see it again.
      { numRuns: RUNS, endOnFailure: true },
    );
    // Otherwise nothing much was compared.
    expect(seen.valid).toBeGreaterThan(0.98 * seen.all);
    expect(seen.byFront).toBeGreaterThan(0.85 * seen.all);
    expect(seen.withData).toBeGreaterThan(0.5 * seen.all);
    expect(seen.withBoth).toBeGreaterThanOrEqual(errors * seen.all);
    expect(seen.withNullAbove).toBeGreaterThanOrEqual(2 * errors * seen.all);
  });
});

describe.each(['at once', 'later'])('an answer that the front cannot write: %s', (when) => {
  it('should be written by yoga', async () => {
    // Twice by yoga alone, by the front, and by yoga for the front.
    let times = 0;
    const { asked, body } = await askFor(when, () => {
      if (++times === 3) throw new RangeError('Invalid string length');
      return { title: 'long' };
    });
    expect(asked).toBe('front');
    expect(body).toEqual({ data: { thread: { metadata: { title: 'long' } } } });
    expect(times).toBe(4);
  });

  it.each([new RangeError('Invalid string length'), new TypeError('a defect')])(
    'should be an error where yoga cannot either: %s',
    async (error) => {
      const { asked, body, logged } = await askFor(when, () => {
        throw error;
      });
      expect(asked).toBe('front');
      expect(body.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
      expect(logged).toMatchObject([{ message: error.message }]);
    },
  );
});

/** Asks for a thread's metadata, which `toJSON` writes, as where a text would be longer than any can be. */
async function askFor(when: string, toJSON: () => object) {
  const stores = createMemoryStores();
  const thread = valueOf(await stores.threads.create(asOwner('alice'), {}));
  const odd = { ...thread, metadata: Object.defineProperty({}, 'toJSON', { value: toJSON }) };
  const get = () => (when === 'later' ? Promise.resolve(odd) : odd);
  const { api, logged } = openApi({ stores: { ...stores, threads: { ...stores.threads, get } } });
  const query = 'query($id: ID!) { thread(id: $id) { metadata } }';
  const { body } = await post(api, 'alice', JSON.stringify({ query, variables: { id: thread.id } }));
  return { asked: executorOf(api), body, logged };
}

/** Whether null is the answer before a path comes to its end. */
function isNullAbove(data: unknown, path: readonly (string | number)[]): boolean {
  let value = data;
  for (const key of path.slice(0, -1)) {
    if (typeof value !== 'object' || value === null) return true;
    value = Reflect.get(value, key);
  }
  return value === null;
}
