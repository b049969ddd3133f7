import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/store/records.ts';
import type { Outcome } from '../../../src/store/outcome.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { type OnBench, refusalsOf, valueOf } from '../../support/bench.ts';
import { nested, nestedArrays, ODD_NAMES, single, sized, UNSTORABLE } from '../../support/json-samples.ts';
import { type AnyRecord, existing, makeAssistant, RESOURCES } from '../../support/records.ts';
import { everythingOf, NEWEST_FIRST, walk } from '../../support/walk.ts';

const alice = owner('alice');

/** A place where a record holds a JSON object of a client's. */
interface Place {
  readonly name: string;
  readonly key: 'metadata' | 'config' | 'context';
  create(stores: Stores, json: JsonObject): Promise<Outcome<AnyRecord>>;
  update(stores: Stores, id: string, json: JsonObject): Promise<Outcome<AnyRecord | null>>;
  /** How many records have this place. */
  count(stores: Stores): Promise<number>;
  /** What is stored there, as it is read anew, without the owner. */
  read(stores: Stores, id: string): Promise<JsonObject>;
}

const PLACES: readonly Place[] = [
  ...RESOURCES.map((resource): Place => ({
    name: `${resource.name} metadata`,
    key: 'metadata',
    create: (stores, metadata) => resource.create(stores, alice, metadata),
    update: async (stores, id, metadata) => resource.of(stores).update(alice, id, { metadata }),
    count: async (stores) => resource.of(stores).count(alice),
    async read(stores, id) {
      const { owner: _, ...rest } = existing(await resource.of(stores).get(alice, id)).metadata;
      return rest;
    },
  })),
  ...(['config', 'context'] as const).map((key): Place => ({
    name: `assistant ${key}`,
    key,
    create: async ({ assistants }, json) => assistants.create(alice, { graphId: 'graph', [key]: json }),
    update: async ({ assistants }, id, json) => assistants.update(alice, id, { [key]: json }),
    count: async ({ assistants }) => assistants.count(alice),
    read: async ({ assistants }, id) => existing(await assistants.get(alice, id))[key],
  })),
];

const STORABLE: readonly (readonly [string, JsonObject])[] = [
  ['nothing', {}],
  ['64 KiB', sized(65_536)],
  ['64 KiB in characters of 4 bytes', sized(65_536, 'a', '😀')],
  ['64 KiB in a key', single('x'.repeat(65_536 - 6), 1)],
  ['64 KiB in characters that JSON escapes', { a: '"'.repeat((65_536 - 8) / 2) }],
  ['32 levels of objects', nested(32)],
  ['32 levels of objects around an empty one', nested(31, {})],
  ['32 levels of arrays', nestedArrays(32)],
  ['scalars on level 32', nested(32, null)],
  ['all types', { s: '', n: 0.5, t: true, f: false, a: [], o: { z: null }, m: [1, '1', [null], {}] }],
  ['numbers at the ends', { a: [Number.MAX_VALUE, Number.MIN_VALUE, -1e308, 2 ** 53, 1e21, 1e-7] }],
  ['an integer beyond 2^53', JSON.parse('{"a": 9007199254740993}')],
  ['control characters and separators', { a: '\u0001\u001f\u007f\u2028\u2029\ufeff', '\u0085': '\n' }],
  ['pairs of surrogates', { '😀': '😀\u{10ffff}' }],
  ['strings that look like other types', { a: ['1', 'true', 'null', '{}'], 1: '2026-01-01T00:00:00Z' }],
  ['empty keys and spaces', { '': { '': 1 }, ' ': 2 }],
  ['keys that are numbers', { 10: 1, 9: 2, '01': 3, '-0': 4 }],
  ['what looks like a promise', JSON.parse('{"then": 1, "a": {"then": {"then": null}}}')],
  ['what looks like it knows JSON', { toJSON: 1, a: [{ toJSON: 'x' }] }],
  ...ODD_NAMES.map((name) => [`${name} as a key`, single(name, 1)] as const),
  ...ODD_NAMES.map((name) => [`${name} as a key of null`, { a: single(name, null) }] as const),
  ...ODD_NAMES.map((name) => [`${name} as a key at any level`, single(name, [single(name, {})])] as const),
];

/** What JSON can be stored, and that it is nobody else's once it is. */
export function testJson(onBench: OnBench): void {
  describe.each(PLACES)('the $name', (place) => {
    it.each(STORABLE)('should hold %s', (_, json) =>
      onBench(async ({ stores }) => {
        const { id } = valueOf(await place.create(stores, json));
        expect(canonical(await place.read(stores, id))).toBe(canonical(json));
        const other = valueOf(await place.create(stores, {}));
        existing(valueOf(await place.update(stores, other.id, json)));
        expect(canonical(await place.read(stores, other.id))).toBe(canonical(json));
      }),
    );

    it.each(UNSTORABLE)('should refuse %s, and store nothing', (_, json) =>
      onBench(async ({ stores, published }) => {
        const { id } = valueOf(await place.create(stores, { kept: 1 }));
        const before = await everythingOf(stores, alice);
        published.length = 0;
        expect(refusalsOf(await place.update(stores, id, json))).toStrictEqual([`INVALID ${place.key}`]);
        expect(await everythingOf(stores, alice)).toStrictEqual(before);
        expect(published).toStrictEqual([]);
        expect(refusalsOf(await place.create(stores, json))).toStrictEqual([`INVALID ${place.key}`]);
        expect(await place.count(stores)).toBe(1);
      }),
    );

    it('should hold one zero, as JSON does', () =>
      onBench(async ({ stores }) => {
        const { id } = valueOf(await place.create(stores, { a: -0, b: [-0] }));
        expect(await place.read(stores, id)).toStrictEqual({ a: 0, b: [0] });
      }));

    it('should not change with what was given', () =>
      onBench(async ({ stores }) => {
        const given = { a: { b: [{ c: 1 }] }, d: [1, 2] };
        const { id } = valueOf(await place.create(stores, given));
        spoil(given);
        expect(await place.read(stores, id)).toStrictEqual({ a: { b: [{ c: 1 }] }, d: [1, 2] });
        const change = { a: { b: [{ c: 2 }] }, d: [3] };
        valueOf(await place.update(stores, id, change));
        spoil(change);
        expect(await place.read(stores, id)).toStrictEqual({ a: { b: [{ c: 2 }] }, d: [3] });
      }));

    it('should not change with what came out', () =>
      onBench(async ({ stores, published }) => {
        const created = await place.create(stores, { a: { b: [{ c: 1 }] } });
        const { id } = valueOf(created);
        spoil(created);
        spoil(await place.update(stores, id, { d: [1] }));
        const expected = { a: { b: [{ c: 1 }] }, d: [1] };
        const kept = place.key === 'metadata' ? expected : { d: [1] };
        expect(await place.read(stores, id)).toStrictEqual(kept);
        for (const { of } of RESOURCES) {
          spoil(await of(stores).get(alice, id));
          spoil(await of(stores).getMany(alice, [id]));
          spoil(await walk(of(stores), alice, NEWEST_FIRST));
          spoil((await of(stores).list(alice, { orderBy: NEWEST_FIRST })).items);
        }
        for (const { change } of published) spoil(change);
        expect(await place.read(stores, id)).toStrictEqual(kept);
        for (const { of } of RESOURCES) spoil(await of(stores).delete(alice, id));
      }));
  });

  describe('a merge of metadata', () => {
    it.each(RESOURCES)(
      'should be refused when the whole would pass 64 KiB, and only then: $name',
      (resource) =>
        onBench(async ({ stores }) => {
          const half = { ...sized(32_768, 'a') };
          const { id } = valueOf(await resource.create(stores, alice, half));
          const store = resource.of(stores);
          // Two objects in one: a comma more, a pair of braces less.
          const exact = sized(32_769, 'b');
          const over = sized(32_770, 'b');
          expect(refusalsOf(await store.update(alice, id, { metadata: over }))).toStrictEqual([
            'INVALID metadata',
          ]);
          expect((await store.get(alice, id))?.metadata).toStrictEqual({ ...half, owner: 'alice' });
          const full = { ...half, ...exact, owner: 'alice' };
          expect(valueOf(await store.update(alice, id, { metadata: exact }))?.metadata).toStrictEqual(full);
          const one = { c: 1 };
          expect(refusalsOf(await store.update(alice, id, { metadata: one }))).toStrictEqual([
            'INVALID metadata',
          ]);
          const room = { ...one, b: null };
          expect(valueOf(await store.update(alice, id, { metadata: room }))?.metadata).toStrictEqual({
            ...half,
            c: 1,
            owner: 'alice',
          });
        }),
    );

    it('should not refuse what is too large only by the nulls that remove keys', () =>
      onBench(async ({ stores }) => {
        for (const resource of RESOURCES) {
          const { id } = valueOf(await resource.create(stores, alice, { a: 1 }));
          const nulls = Object.fromEntries(Array.from({ length: 9_000 }, (_, i) => [`k${i}`, null]));
          const changed = await resource.of(stores).update(alice, id, { metadata: { ...nulls, b: 2 } });
          expect(valueOf(changed)?.metadata).toStrictEqual({ a: 1, b: 2, owner: 'alice' });
        }
      }));

    it('should store nothing of an update of which one object is too large', () =>
      onBench(async ({ stores }) => {
        const created = await makeAssistant(stores, alice, { metadata: sized(65_536) });
        const changes = { name: 'New', config: { a: 1 }, metadata: { b: 1 } };
        const outcome = await stores.assistants.update(alice, created.id, changes);
        expect(refusalsOf(outcome)).toStrictEqual(['INVALID metadata']);
        expect(await stores.assistants.get(alice, created.id)).toStrictEqual(created);
      }));
  });
}

/** What JSON says, whatever the order of the keys: `toStrictEqual` takes some odd keys for its own. */
function canonical(value: Json | undefined): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}

/** Changes all that can be changed in a value, at any level. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    spoil(Reflect.get(value, key));
    Reflect.set(value, key, 'spoilt');
  }
  Reflect.set(value, 'added', 'spoilt');
  if (Array.isArray(value) && Object.isExtensible(value)) value.reverse();
}
