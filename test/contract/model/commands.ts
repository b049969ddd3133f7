import * as fc from 'fast-check';
import type { Owner } from '../../../src/store/owner.ts';
import { type JsonObject, RUN_STATUSES, type RunStatus } from '../../../src/store/records.ts';

/** The ids of records: of whom, of which resource, and which of all that there have been. */
export interface Ref {
  readonly among: 'own' | 'all' | 'unknown';
  readonly index: number;
}

/** What an assistant is given: some of it may be refused. */
export interface AssistantInput {
  readonly name?: string | null;
  readonly description?: string | null;
  readonly config?: JsonObject | null;
}

/** One call of a store, or a step of the clock. */
export type Command =
  | { readonly type: 'wait'; readonly milliseconds: number }
  | {
      readonly type: 'createAssistant';
      readonly owner: Owner;
      readonly input: AssistantInput;
      readonly metadata: Metadata;
    }
  | {
      readonly type: 'updateAssistant';
      readonly owner: Owner;
      readonly id: Ref;
      readonly input: AssistantInput;
      readonly metadata: Metadata;
    }
  | { readonly type: 'deleteAssistant'; readonly owner: Owner; readonly id: Ref }
  | { readonly type: 'createThread'; readonly owner: Owner; readonly metadata: Metadata }
  | { readonly type: 'updateThread'; readonly owner: Owner; readonly id: Ref; readonly metadata: Metadata }
  | { readonly type: 'deleteThread'; readonly owner: Owner; readonly id: Ref }
  | {
      readonly type: 'createRun';
      readonly owner: Owner;
      readonly thread: Ref;
      readonly assistant: Ref;
      readonly metadata: Metadata;
    }
  | {
      readonly type: 'updateRun';
      readonly owner: Owner;
      readonly id: Ref;
      readonly status: RunStatus | null | undefined;
      readonly metadata: Metadata;
    }
  | { readonly type: 'deleteRun'; readonly owner: Owner; readonly id: Ref }
  | { readonly type: 'read'; readonly owner: Owner; readonly ids: readonly Ref[] };

/** Metadata as it is given: null is refused, undefined is left out. */
export type Metadata = JsonObject | null | undefined;

/** Scripts of commands by these owners, in which time stands still, goes on and goes back. */
export function commands(owners: readonly Owner[]): fc.Arbitrary<Command[]> {
  const owner = fc.constantFrom(...owners);
  return fc.array(
    fc.oneof(
      weighted(
        3,
        fc.record({
          type: fc.constant('wait' as const),
          milliseconds: fc.constantFrom(1, 2, 5_000, -1, -3_000),
        }),
      ),
      weighted(3, fc.record({ type: fc.constant('createAssistant' as const), owner, input, metadata })),
      weighted(
        2,
        fc.record({ type: fc.constant('updateAssistant' as const), owner, id: ref, input, metadata }),
      ),
      weighted(2, fc.record({ type: fc.constant('deleteAssistant' as const), owner, id: ref })),
      weighted(3, fc.record({ type: fc.constant('createThread' as const), owner, metadata })),
      weighted(2, fc.record({ type: fc.constant('updateThread' as const), owner, id: ref, metadata })),
      weighted(1, fc.record({ type: fc.constant('deleteThread' as const), owner, id: ref })),
      weighted(
        7,
        fc.record({ type: fc.constant('createRun' as const), owner, thread: ref, assistant: ref, metadata }),
      ),
      weighted(9, fc.record({ type: fc.constant('updateRun' as const), owner, id: ref, status, metadata })),
      weighted(4, fc.record({ type: fc.constant('deleteRun' as const), owner, id: ref })),
      weighted(
        2,
        fc.record({ type: fc.constant('read' as const), owner, ids: fc.array(ref, { maxLength: 4 }) }),
      ),
    ),
    { maxLength: 60, size: 'max' },
  );
}

const ref: fc.Arbitrary<Ref> = fc.record({
  among: fc.oneof(
    weighted(8, fc.constant('own' as const)),
    weighted(2, fc.constant('all' as const)),
    weighted(1, fc.constant('unknown' as const)),
  ),
  index: fc.nat({ max: 1_000 }),
});

const json = fc.constantFrom<JsonObject[string]>(
  null,
  0,
  1,
  true,
  '1',
  'x',
  [],
  [1, null],
  {},
  { a: null },
  { a: { b: 1 } },
);
const metadata = fc.oneof(
  weighted(2, fc.constant(undefined)),
  weighted(
    8,
    fc.dictionary(fc.constantFrom('a', 'b', 'owner', '__proto__', 'constructor'), json, {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  ),
  weighted(1, fc.constantFrom<Metadata>(null, { a: '\0' }, { a: Number.POSITIVE_INFINITY })),
);
const input: fc.Arbitrary<AssistantInput> = fc.record(
  {
    name: fc.constantFrom('A', 'b', '😀', 'A', 'b', ' ', null),
    description: fc.constantFrom('', 'About', null, 'x'.repeat(4_097)),
    config: fc.constantFrom({}, { a: 1 }, { a: [{}] }, null),
  },
  { requiredKeys: [] },
);
const status = fc.oneof(
  weighted(12, fc.constantFrom(...RUN_STATUSES)),
  weighted(3, fc.constant(undefined)),
  weighted(1, fc.constant(null)),
);

function weighted<T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.WeightedArbitrary<T> {
  return { weight, arbitrary };
}
