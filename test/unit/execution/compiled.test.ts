import * as fc from 'fast-check';
import { buildSchema, type GraphQLSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { executeOperation } from '../../../src/graphql/execute-operation.ts';
import { toBytes } from '../../../src/graphql/execution/serialize.ts';
import { putKeys, splitAtKeys } from '../../../src/graphql/numbered-keys.ts';
import { serializeData } from '../../../src/graphql/operation-result.ts';
import { RESOURCES } from '../../../src/store/change.ts';
import { schema } from '../../../src/schema/schema.ts';
import { AT_ONCE, type Fault, faultyStores, LATER } from '../../support/faulty-stores.ts';
import { cases } from '../../support/random.ts';
import { type Recording, recordedStores, replayedStores } from '../../support/recorded-stores.ts';
import { type Draw, drawRequest, drawSubscription, type ValidRequest } from '../../support/valid-requests.ts';
import { drawSchema, type When } from './drawn-values.ts';
import {
  type Executed,
  executeByGraphQLJs,
  executePrepared,
  executeUntilGenerated,
  mergeErrorsBelowNull,
  type Outcome,
  type Prepared,
  prepare,
} from './execute-both-ways.ts';
import { BATCHES, contextWith, openWorld } from './world.ts';

/** How many requests of each kind are drawn. They are large: the seed of one is enough to see it again. */
const PARAMETERS = { numRuns: cases({ some: 8, all: 40 }), endOnFailure: true };

/**
 * Faults of the calls of one request. In one list, no item throws where others are rejected: graphql-js leaves the
 * rejections of the items before it unhandled, which ends the process.
 */
const KINDS: readonly Kind[] = [
  { name: 'at once', when: 'at once', errors: 0, faults: ['value'] },
  {
    name: 'at once, by promises, and late',
    when: 'later',
    errors: 0,
    faults: ['value', 'promise', 'late value'],
    isPerMethod: true,
  },
  { name: 'with errors at once', when: 'at once', errors: 0.04, faults: [...often('value'), ...AT_ONCE] },
  {
    name: 'with errors later',
    when: 'later',
    errors: 0.04,
    faults: [...often('promise'), ...often('late value'), ...LATER],
  },
];

interface Kind {
  readonly name: string;
  readonly when: When;
  readonly faults: readonly Fault[];
  /** Whether all calls of a method have the same fault. Default: all equal calls have. */
  readonly isPerMethod?: boolean;
  /** The share of requests with errors beside data, at least. */
  readonly errors: number;
}

describe('a compiled operation', () => {
  it.each(KINDS)(
    'should have the outcome of graphql-js: stores answer $name',
    async ({ when, faults, errors, isPerMethod = false }) => {
      const tally = newTally();
      await fc.assert(
        fc.asyncProperty(fc.gen(), async (draw) => {
          const { stores, subject } = await openWorld();
          const recording: Recording = new Map();
          const faultOf = drawFaults(draw, faults, isPerMethod);
          const recorded = contextWith(faultyStores(recordedStores(stores, recording), faultOf));
          const request = drawRequest(draw, subject);
          await compare(tally, when, schema, request, {
            byGraphQLJs: () => executeByGraphQLJs(schema, request, recorded),
            prepared: (prepared) => {
              const replayed = faultyStores(replayedStores(stores, recording), faultOf);
              return executePrepared(schema, prepared, contextWith(replayed));
            },
          });
        }),
        PARAMETERS,
      );
      expect(tally.compiled).toBeGreaterThan(0.8 * tally.all);
      expect(tally.withData).toBeGreaterThan(0.3 * tally.all);
      expect(tally.withBoth).toBeGreaterThanOrEqual(errors * tally.all);
    },
  );

  it.each<When>(['at once', 'later'])(
    'should have the outcome of graphql-js: resolvers return all kinds of values %s',
    async (when) => {
      const tally = newTally();
      await fc.assert(
        fc.asyncProperty(fc.gen(), async (draw) => {
          const { stores, subject } = await openWorld();
          const context = contextWith(stores);
          const drawn = drawSchema(draw, when);
          const request = drawRequest(draw, { ...subject, schema: drawn });
          await compare(tally, when, drawn, request, {
            byGraphQLJs: () => executeByGraphQLJs(drawn, request, context),
            prepared: (prepared) => executePrepared(drawn, prepared, context),
          });
        }),
        PARAMETERS,
      );
      expect(tally.compiled).toBeGreaterThan(0.8 * tally.all);
      expect(tally.withData).toBeGreaterThan(0.3 * tally.all);
      expect(tally.withBoth).toBeGreaterThan(0.1 * tally.all);
    },
  );

  it('should have the outcome of graphql-js: events of subscriptions', async () => {
    const tally = newTally();
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (draw) => {
        const { stores, subject, eventsOf } = await openWorld();
        const context = contextWith(stores);
        const request = drawSubscription(draw, subject);
        const topic = RESOURCES.find((resource) => request.query.includes(`${resource}Changed`));
        const events = topic === undefined ? BATCHES : eventsOf(topic);
        const event = draw(() => fc.constantFrom<unknown>(...events));
        await compare(tally, 'at once', schema, request, {
          byGraphQLJs: () => executeByGraphQLJs(schema, request, context, event),
          prepared: (prepared) => executePrepared(schema, prepared, context, event),
        });
      }),
      PARAMETERS,
    );
    expect(tally.compiled).toBeGreaterThan(0.8 * tally.all);
    expect(tally.withData).toBeGreaterThan(0.8 * tally.all);
  });

  it('should have the outcome of graphql-js: events that several documents share', async () => {
    let [compared, all] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (draw) => {
        const { stores, subject, eventsOf } = await openWorld();
        const request = drawSubscription(draw, subject);
        const topic = RESOURCES.find((resource) => request.query.includes(`${resource}Changed`));
        const events = topic === undefined ? BATCHES : eventsOf(topic);
        const event = draw(() => fc.constantFrom<unknown>(...events));
        const expected = await executeByGraphQLJs(schema, request, contextWith(stores), event);
        const prepared = prepare(schema, request);
        all++;
        if (prepared === null) return;
        const { operation, variables } = prepared;
        const numbered = operation.numbered();
        if (numbered.compiled(variables) === null) return;
        const data = serializeData(
          await executeOperation(schema, numbered, variables, contextWith(stores), event),
        );
        expect(data === null).toBe(expected.errors.length > 0);
        const split = data === null ? null : splitAtKeys(data);
        if (split === null) return;
        compared++;
        const { query } = request;
        expect({ query, data: putKeys(split, numbered.keys) }).toEqual({ query, data: expected.serialized });
      }),
      PARAMETERS,
    );
    expect(compared).toBeGreaterThan(0.3 * all);
  });

  it('should have stored JSON as it is, with the spaces that no store leaves in it', async () => {
    const query = 'subscription { runEvents(runId: "x") { events { data } } }';
    const prepared = prepare(schema, { query, variables: {} });
    if (prepared === null) throw new TypeError('There are no variables.');
    const events = [{ seq: 1, attempt: 1, type: 'A', data: '{ "a": "é" }', at: '2026-01-02T03:04:05.678Z' }];
    const batch = { events, last: 1, missedUpTo: null, status: 'RUNNING', done: false };
    const context = contextWith((await openWorld()).stores);
    const outcomes = await executeUntilGenerated(() => executePrepared(schema, prepared, context, batch));
    const serialized = toBytes('{"runEvents":{"events":[{"data":{ "a": "é" }}]}}');
    expect(outcomes).toMatchObject([{ serialized }, { serialized }]);
  });

  it.each([
    ['an item of a list', '{ list }', '{"list":null}'],
    ['a field', '{ object { rejected wrong } }', '{"object":null}'],
  ])('should handle a rejection before %s that throws, which would fail this run', async (_, query, data) => {
    const of = buildSchema(`
      type Query { list: [Int!], object: Inner }
      type Inner { rejected: Int!, wrong: Int! }
    `);
    const { list, object } = of.getQueryType()?.getFields() ?? {};
    if (list === undefined || object === undefined) throw new TypeError('There are these fields.');
    list.resolve = () => [reject(), 'wrong'];
    object.resolve = () => ({ rejected: reject, wrong: 'wrong' });
    const prepared = prepare(of, { query, variables: {} });
    if (prepared === null) throw new TypeError('There are no variables.');
    const context = contextWith((await openWorld()).stores);
    const outcomes = await executeUntilGenerated(() => executePrepared(of, prepared, context));
    expect(outcomes).toMatchObject([{ data }, { data }]);
  });
});

describe("JavaScript's own names in a response", () => {
  it.each([
    ['then', true],
    ['toJSON', true],
    ['constructor', true],
    ['__proto__', false],
  ])('should be keys as any other: %s', async (key, isCompiled) => {
    const { stores, subject } = await openWorld();
    const query = `query($id: ID!) { ${key}: node(id: $id) { __typename ${key}: id } }`;
    const request = { query, variables: { id: subject.ids[0] } };
    const expected = await executeByGraphQLJs(schema, request, contextWith(stores));
    expect(expected.data).toBe(`{"${key}":{"__typename":"Assistant","${key}":"${subject.ids[0]}"}}`);
    const prepared = prepare(schema, request);
    expect(prepared?.operation.compiled(prepared.variables) != null).toBe(isCompiled);
    if (prepared === null) return;
    const run = () => executePrepared(schema, prepared, contextWith(stores));
    for (const outcome of await executeUntilGenerated(run)) expect(outcome).toEqual(expected);
  });

  it.each([['at once'], ['late']])('should be keys of JSON as any other, which is there %s', async (when) => {
    const { stores, subject } = await openWorld();
    const query = 'query($id: ID!) { assistant(id: $id) { metadata } }';
    const prepared = prepare(schema, { query, variables: { id: subject.ids[0] } });
    if (prepared === null) throw new TypeError('The variables are valid.');
    const answering = faultyStores(stores, () => (when === 'late' ? 'late value' : 'value'));
    const metadata = '{"then":1,"toJSON":1,"__proto__":{"a":[1.5]},"ключ":"\\"\u2028","owner":"alice"}';
    for (const outcome of await executeUntilGenerated(() =>
      executePrepared(schema, prepared, contextWith(answering)),
    )) {
      expect(outcome.data).toBe(`{"assistant":{"metadata":${metadata}}}`);
      expect(outcome.serialized).toBe(toBytes(outcome.data ?? ''));
    }
  });
});

/** How many requests were compared, and of which kinds: so that a test can see that it is about something. */
interface Tally {
  all: number;
  compiled: number;
  withData: number;
  /** With data and errors. */
  withBoth: number;
}

function newTally(): Tally {
  return { all: 0, compiled: 0, withData: 0, withBoth: 0 };
}

/** Executes the same operation by graphql-js, and as the server does. */
interface Executors {
  readonly byGraphQLJs: () => Promise<Outcome>;
  readonly prepared: (prepared: Prepared) => Promise<Executed>;
}

/** Compares the outcomes of a request: all of them where all is there at once. */
async function compare(
  tally: Tally,
  when: When,
  of: GraphQLSchema,
  request: ValidRequest,
  executors: Executors,
): Promise<void> {
  const { query } = request;
  expect({ query, errors: validate(of, parse(query)) }).toEqual({ query, errors: [] });
  const expected = await executors.byGraphQLJs();
  const prepared = prepare(of, request);
  expect({ query, isExecuted: prepared !== null }).toEqual({
    query,
    isExecuted: expected.data !== undefined,
  });
  if (prepared === null) return;
  const comparable = when === 'later' ? mergeErrorsBelowNull : (outcome: Outcome) => outcome;
  for (const outcome of await executeUntilGenerated(() => executors.prepared(prepared))) {
    expect({ query, ...comparable(outcome) }).toEqual({ query, ...comparable(expected) });
  }
  tally.all++;
  if (prepared.operation.compiled(prepared.variables) !== null) tally.compiled++;
  if (expected.data === 'null') return;
  tally.withData++;
  if (expected.errors.length > 0) tally.withBoth++;
}

function reject(): Promise<never> {
  return Promise.reject(new Error('It was rejected.'));
}

function often(fault: Fault): readonly Fault[] {
  return Array.from({ length: 6 }, () => fault);
}

/** Draws the fault of each call, or of each method. */
function drawFaults(draw: Draw, faults: readonly Fault[], isPerMethod: boolean): (call: string) => Fault {
  const known = new Map<string, Fault>();
  return (call) => {
    const key = isPerMethod ? call.slice(0, call.indexOf(' ')) : call;
    const fault = known.get(key) ?? draw(() => fc.constantFrom(...faults));
    known.set(key, fault);
    return fault;
  };
}
