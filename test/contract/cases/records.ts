import { describe, expect, it } from 'vitest';
import type { AssistantPatch, JsonObject } from '../../../src/store/records.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { type OnBench, refusalsOf, valueOf } from '../../support/bench.ts';
import { existing, makeAssistant, makeRun, makeThread, RESOURCES } from '../../support/records.ts';
import { everythingOf } from '../../support/walk.ts';

const alice = owner('alice');
const UNKNOWN_ID = '0123456789ab4cde8f0123456789abcd';
const FULL = {
  graphId: 'graph',
  name: 'Name',
  description: 'About',
  config: { a: { b: 1 } },
  context: { c: [1] },
  metadata: { d: 1 },
};

/** Create, read, update and delete. */
export function testRecords(onBench: OnBench): void {
  describe('create, read, update, delete', () => {
    it('should fill in what a new record leaves out', () =>
      onBench(async ({ stores }) => {
        const assistant = await makeAssistant(stores, alice, { graphId: 'g' });
        const thread = await makeThread(stores, alice);
        const parents = { threadId: thread.id, assistantId: assistant.id };
        const run = valueOf(await stores.runs.create(alice, parents));
        const given = {
          graphId: 'g',
          name: 'Untitled',
          description: null,
          config: {},
          context: {},
          version: 1,
        };
        expect(assistant).toMatchObject({ ...given, metadata: { owner: 'alice' } });
        expect(thread).toMatchObject({ status: 'IDLE', metadata: { owner: 'alice' } });
        expect(run).toMatchObject({ ...parents, status: 'PENDING', metadata: { owner: 'alice' } });
      }));

    it('should store what a new assistant is given', () =>
      onBench(async ({ stores }) => {
        const { id, ...made } = await makeAssistant(stores, alice, FULL);
        expect(made).toMatchObject({ ...FULL, metadata: { d: 1, owner: 'alice' }, version: 1 });
        expect(await stores.assistants.get(alice, id)).toStrictEqual({ id, ...made });
      }));

    it.each(RESOURCES)('should answer null for what is not there, without an error: $name', (resource) =>
      onBench(async ({ stores, published }) => {
        const store = resource.of(stores);
        expect(await store.get(alice, UNKNOWN_ID)).toBeNull();
        expect(await store.update(alice, UNKNOWN_ID, { metadata: { a: 1 } })).toStrictEqual({ value: null });
        expect(await store.delete(alice, UNKNOWN_ID)).toStrictEqual({ value: null });
        expect(published).toStrictEqual([]);
        expect(await everythingOf(stores, alice)).toStrictEqual({ assistants: [], threads: [], runs: [] });
      }),
    );

    it.each(RESOURCES)('should give back a deleted record once, as it was: $name', (resource) =>
      onBench(async ({ stores }) => {
        const store = resource.of(stores);
        const created = valueOf(await resource.create(stores, alice, { a: 1 }));
        if (resource.name === 'run') await stores.runs.update(alice, created.id, { status: 'SUCCESS' });
        const stored = existing(await store.get(alice, created.id));
        expect(await store.delete(alice, created.id)).toStrictEqual({ value: stored });
        expect(await store.get(alice, created.id)).toBeNull();
        expect(await store.count(alice)).toBe(0);
        expect(await store.delete(alice, created.id)).toStrictEqual({ value: null });
        expect(await store.update(alice, created.id, {})).toStrictEqual({ value: null });
      }),
    );

    it.each(RESOURCES)('should read many in the order asked for: $name', (resource) =>
      onBench(async ({ stores }) => {
        const a = valueOf(await resource.create(stores, alice));
        const b = valueOf(await resource.create(stores, alice));
        const store = resource.of(stores);
        const [first, second] = [await store.get(alice, a.id), await store.get(alice, b.id)];
        expect(await store.getMany(alice, [])).toStrictEqual([]);
        expect(await store.getMany(alice, [b.id, UNKNOWN_ID, a.id, b.id])).toStrictEqual([
          second,
          null,
          first,
          second,
        ]);
      }),
    );

    it.each<AssistantPatch>([
      {},
      { graphId: 'other' },
      { name: 'Other' },
      { description: 'Other' },
      { description: null },
      { description: '' },
      { config: { a: { c: 2 } } },
      { config: {} },
      { context: { d: null } },
      { context: {} },
      { name: 'Other', config: { x: null } },
    ])('should change what an update names and nothing else, and add 1 to the version: %j', (changes) =>
      onBench(async ({ stores, clock }) => {
        const created = await makeAssistant(stores, alice, FULL);
        clock.now += 7;
        const updatedAt = new Date(clock.now).toISOString();
        const expected = { ...created, ...changes, version: 2, updatedAt };
        expect(await stores.assistants.update(alice, created.id, changes)).toStrictEqual({ value: expected });
        expect(await stores.assistants.get(alice, created.id)).toStrictEqual(expected);
      }),
    );

    it('should change an assistant only from the version that is expected', () =>
      onBench(async ({ stores, published }) => {
        const { id } = await makeAssistant(stores, alice, FULL);
        const first = await stores.assistants.update(alice, id, { name: 'first', expectedVersion: 1 });
        expect(valueOf(first)).toMatchObject({ name: 'first', version: 2 });
        const sent = published.length;
        for (const expectedVersion of [1, 3, 0, -1]) {
          const lost = await stores.assistants.update(alice, id, { name: 'lost', expectedVersion });
          expect(refusalsOf(lost)).toStrictEqual(['CONFLICT expectedVersion']);
        }
        expect(await stores.assistants.get(alice, id)).toMatchObject({ name: 'first', version: 2 });
        expect(published).toHaveLength(sent);
        for (const other of ['0'.repeat(32), 'no id']) {
          expect(await stores.assistants.update(alice, other, { expectedVersion: 1 })).toStrictEqual({
            value: null,
          });
        }
        expect(await stores.assistants.update(owner('bob'), id, { expectedVersion: 1 })).toStrictEqual({
          value: null,
        });
        const free = await stores.assistants.update(alice, id, { expectedVersion: null });
        expect(valueOf(free)).toMatchObject({ version: 3 });
      }));

    it('should take an undefined field for one that is left out', () =>
      onBench(async ({ stores }) => {
        const nothing = { name: undefined, description: undefined, config: undefined, context: undefined };
        const created = await makeAssistant(stores, alice, FULL);
        const changed = await stores.assistants.update(alice, created.id, {
          ...nothing,
          metadata: undefined,
        });
        expect(valueOf(changed)).toMatchObject({ ...FULL, metadata: created.metadata, version: 2 });
        expect(await makeAssistant(stores, alice, nothing)).toMatchObject({ name: 'Untitled', config: {} });
      }));

    it.each<[string, JsonObject, JsonObject, JsonObject]>([
      ['add keys', { a: 1 }, { b: 2 }, { a: 1, b: 2 }],
      ['replace a key whole', { a: { x: 1, y: 2 }, b: 1 }, { a: { x: 3 } }, { a: { x: 3 }, b: 1 }],
      ['replace an array whole', { a: [1, 2] }, { a: [3] }, { a: [3] }],
      ['remove a key by a null', { a: 1, b: 2 }, { a: null }, { b: 2 }],
      ['remove a key that holds a null', { a: null, b: 2 }, { a: null }, { b: 2 }],
      ['keep the nulls that are stored', { a: null, b: null }, { b: 1 }, { a: null, b: 1 }],
      ['store nulls below the top', { a: 1 }, { a: { x: null }, b: [null] }, { a: { x: null }, b: [null] }],
      ['ignore a null for no key', { a: 1 }, { b: null }, { a: 1 }],
      ['change nothing for nothing', { a: 1 }, {}, { a: 1 }],
      ['tell types apart', { a: 1, b: true, c: null }, { a: '1', b: 'true' }, { a: '1', b: 'true', c: null }],
    ])('should merge metadata one level deep: %s', (_, before, given, after) =>
      onBench(async ({ stores }) => {
        for (const resource of RESOURCES) {
          const { id, metadata } = valueOf(await resource.create(stores, alice, before));
          expect(metadata).toStrictEqual({ ...before, owner: 'alice' });
          const changed = await resource.of(stores).update(alice, id, { metadata: given });
          expect(valueOf(changed)?.metadata).toStrictEqual({ ...after, owner: 'alice' });
          const stored = await resource.of(stores).get(alice, id);
          expect(stored?.metadata).toStrictEqual({ ...after, owner: 'alice' });
        }
      }),
    );

    it.each<[keyof typeof LIMITS, string]>([
      ['graphId', 'x'],
      ['name', '😀'],
      ['description', '𝒳'],
      ['name', 'é'],
    ])('should count code points against the limit of %s: %s', (key, character) =>
      onBench(async ({ stores }) => {
        const limit = LIMITS[key];
        const { id } = await makeAssistant(stores, alice);
        const most = character.repeat(limit);
        expect(await makeAssistant(stores, alice, { [key]: most })).toMatchObject({ [key]: most });
        expect(valueOf(await stores.assistants.update(alice, id, { [key]: most }))).toMatchObject({
          [key]: most,
        });
        for (const tooLong of [`${most}x`, `x${most}`, most.repeat(3)]) {
          const input = { graphId: 'graph', [key]: tooLong };
          expect(refusalsOf(await stores.assistants.create(alice, input))).toStrictEqual([`INVALID ${key}`]);
          const changed = await stores.assistants.update(alice, id, { [key]: tooLong });
          expect(refusalsOf(changed)).toStrictEqual([`INVALID ${key}`]);
        }
        expect(await stores.assistants.get(alice, id)).toMatchObject({ version: 2, [key]: most });
        expect(await stores.assistants.count(alice)).toBe(2);
      }),
    );

    it.each<[keyof typeof LIMITS, string, string]>([
      ...(['graphId', 'name'] as const).flatMap((key) =>
        BLANK.map((text): [keyof typeof LIMITS, string, string] => [key, 'blank', text]),
      ),
      ...(['graphId', 'name', 'description'] as const).flatMap((key) =>
        BAD_TEXTS.map((text): [keyof typeof LIMITS, string, string] => [key, 'no text', text]),
      ),
    ])('should refuse a %s that is %s: %j', (key, _, text) =>
      onBench(async ({ stores, published }) => {
        const created = await makeAssistant(stores, alice, FULL);
        const before = await everythingOf(stores, alice);
        published.length = 0;
        const input = { graphId: 'graph', [key]: text };
        expect(refusalsOf(await stores.assistants.create(alice, input))).toStrictEqual([`INVALID ${key}`]);
        const changes = { config: { new: 1 }, [key]: text };
        const outcome = await stores.assistants.update(alice, created.id, changes);
        expect(refusalsOf(outcome)).toStrictEqual([`INVALID ${key}`]);
        expect(await everythingOf(stores, alice)).toStrictEqual(before);
        expect(published).toStrictEqual([]);
      }),
    );

    it('should accept a description that is blank', () =>
      onBench(async ({ stores }) => {
        for (const description of ['', ' ', '\n']) {
          expect(await makeAssistant(stores, alice, { description })).toMatchObject({ description });
        }
      }));

    it.each(['name', 'config', 'context', 'metadata'] as const)(
      'should refuse null for the %s of a new assistant, and store nothing',
      (key) =>
        onBench(async ({ stores, published }) => {
          const outcome = await stores.assistants.create(alice, { graphId: 'graph', [key]: null });
          expect(refusalsOf(outcome)).toStrictEqual([`INVALID ${key}`]);
          expect(await stores.assistants.count(alice)).toBe(0);
          expect(published).toStrictEqual([]);
        }),
    );

    it.each(['name', 'config', 'context', 'metadata', 'graphId'] as const)(
      'should refuse null for the %s of an assistant, and store nothing',
      (key) =>
        onBench(async ({ stores, published }) => {
          const created = await makeAssistant(stores, alice, FULL);
          published.length = 0;
          const changed = await stores.assistants.update(alice, created.id, {
            description: 'New',
            [key]: null,
          });
          expect(refusalsOf(changed)).toStrictEqual([`INVALID ${key}`]);
          expect(await everythingOf(stores, alice)).toMatchObject({ assistants: [created] });
          expect(published).toStrictEqual([]);
        }),
    );

    it.each(RESOURCES)('should refuse null for the metadata of a $name, and store nothing', (resource) =>
      onBench(async ({ stores }) => {
        const created = valueOf(await resource.create(stores, alice));
        const store = resource.of(stores);
        expect(refusalsOf(await resource.create(stores, alice, null))).toStrictEqual(['INVALID metadata']);
        const changed = await store.update(alice, created.id, { metadata: null });
        expect(refusalsOf(changed)).toStrictEqual(['INVALID metadata']);
        expect(await store.get(alice, created.id)).toStrictEqual(created);
        expect(await store.count(alice)).toBe(1);
      }),
    );

    it('should refuse null for the status of a run, and store nothing', () =>
      onBench(async ({ stores }) => {
        const run = await makeRun(stores, alice);
        const update = { status: null, metadata: { a: 1 } };
        expect(refusalsOf(await stores.runs.update(alice, run.id, update))).toStrictEqual(['INVALID status']);
        expect(await stores.runs.get(alice, run.id)).toStrictEqual(run);
      }));

    it('should name every field at fault', () =>
      onBench(async ({ stores }) => {
        const bad = {
          name: ' ',
          description: '\0',
          config: null,
          context: { '\0': 1 },
          metadata: { a: '\0' },
        };
        const keys = ['config', 'context', 'description', 'graphId', 'metadata', 'name'];
        const expected = keys.map((key) => `INVALID ${key}`);
        const created = await stores.assistants.create(alice, { graphId: '', ...bad });
        expect(refusalsOf(created)).toStrictEqual(expected);
        const { id } = await makeAssistant(stores, alice);
        const changed = await stores.assistants.update(alice, id, { graphId: null, ...bad });
        expect(refusalsOf(changed)).toStrictEqual(expected);
        expect(await stores.assistants.get(alice, id)).toMatchObject({ version: 1 });
      }));
  });
}

const LIMITS = { graphId: 256, name: 256, description: 4_096 };
const BLANK = ['', ' ', '\t\n', '\u00a0', '\u3000', '\u0085'];
const BAD_TEXTS = ['\0', 'x\0', '\ud83d', 'x\ude00y', '\ude00\ud83d'];
