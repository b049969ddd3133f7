import * as fc from 'fast-check';
import type { Owner } from '../../../src/store/owner.ts';
import {
  CANCEL_ACTIONS,
  type CancelAction,
  MULTITASK_STRATEGIES,
  type MultitaskStrategy,
  RUN_STATUSES,
  type RunStatus,
} from '../../../src/store/records.ts';

/** Who claims runs: an owner's own worker, or one of all owners. */
export type Worker = Owner | 'all';

/** A call of a worker, a client's call about runs, or a step of the clock. Records are named by any index. */
export type ExecutionCommand =
  | { readonly type: 'pass'; readonly milliseconds: number }
  | {
      readonly type: 'createRun';
      readonly owner: Owner;
      readonly thread: number | null;
      readonly assistant: number;
      readonly strategy: MultitaskStrategy;
      readonly delaySeconds: number;
      readonly timeoutSeconds: number | null;
      readonly maxAttempts: number;
      readonly key: string | null;
      readonly resumes: number | null;
    }
  | { readonly type: 'updateRun'; readonly owner: Owner; readonly run: number; readonly status: RunStatus }
  | { readonly type: 'cancelRun'; readonly owner: Owner; readonly run: number; readonly action: CancelAction }
  | { readonly type: 'deleteRun'; readonly owner: Owner; readonly run: number }
  | { readonly type: 'deleteThread'; readonly owner: Owner; readonly thread: number }
  | {
      readonly type: 'moveAssistant';
      readonly owner: Owner;
      readonly assistant: number;
      readonly graphId: string;
    }
  | {
      readonly type: 'claim';
      readonly worker: Worker;
      readonly graphIds: readonly string[];
      readonly max: number;
      readonly leaseSeconds: number;
    }
  | {
      readonly type: 'heartbeat';
      readonly lease: number;
      readonly leaseSeconds: number;
      readonly waitSeconds: number;
    }
  | { readonly type: 'append'; readonly lease: number; readonly shift: number; readonly count: number }
  | { readonly type: 'checkpoint'; readonly lease: number; readonly value: number }
  | { readonly type: 'finish'; readonly lease: number; readonly end: End }
  | { readonly type: 'release'; readonly lease: number };

/** How a worker ends an attempt. */
export interface End {
  readonly status: Exclude<RunStatus, 'PENDING' | 'RUNNING'>;
  readonly output: number | null;
  readonly retry: boolean;
  readonly retryAfterSeconds: number | null;
}

/** The graphs that assistants have. */
export const GRAPHS = ['a', 'b'];

/** Scripts of commands about the runs of these owners. */
export function executionCommands(owners: readonly Owner[]): fc.Arbitrary<ExecutionCommand[]> {
  const owner = fc.constantFrom(...owners);
  const command = fc.oneof(
    weighted(9, fc.record({ type: fc.constant('pass' as const), milliseconds })),
    weighted(
      12,
      fc.record({
        type: fc.constant('createRun' as const),
        owner,
        // An owner has few threads, so that their runs meet.
        thread: fc.oneof(weighted(9, index), weighted(1, fc.constant(null))),
        assistant: index,
        strategy: fc.oneof(
          weighted(4, fc.constant('ENQUEUE' as const)),
          weighted(3, fc.constantFrom(...MULTITASK_STRATEGIES)),
        ),
        delaySeconds: fc.constantFrom(0, 0, 0, 3, 70),
        timeoutSeconds: fc.constantFrom(null, null, 5, 30, 90),
        maxAttempts: fc.constantFrom(1, 2, 3, 8),
        key: fc.constantFrom(null, null, null, 'k', 'l'),
        resumes: fc.oneof(weighted(2, fc.constant(null)), weighted(1, index)),
      }),
    ),
    weighted(3, fc.record({ type: fc.constant('updateRun' as const), owner, run: index, status })),
    weighted(4, fc.record({ type: fc.constant('cancelRun' as const), owner, run: index, action })),
    weighted(2, fc.record({ type: fc.constant('deleteRun' as const), owner, run: index })),
    weighted(1, fc.record({ type: fc.constant('deleteThread' as const), owner, thread: index })),
    weighted(
      1,
      fc.record({
        type: fc.constant('moveAssistant' as const),
        owner,
        assistant: index,
        graphId: fc.constantFrom(...GRAPHS),
      }),
    ),
    weighted(
      14,
      fc.record({
        type: fc.constant('claim' as const),
        worker: fc.oneof(owner, fc.constant('all' as const)),
        graphIds: fc.constantFrom(GRAPHS, GRAPHS, ['a'], ['b', 'a'], ['c']),
        max: fc.constantFrom(1, 2, 5),
        leaseSeconds,
      }),
    ),
    weighted(
      5,
      fc.record({
        type: fc.constant('heartbeat' as const),
        lease: index,
        leaseSeconds,
        waitSeconds: fc.constantFrom(0, 0, 10),
      }),
    ),
    weighted(
      5,
      fc.record({
        type: fc.constant('append' as const),
        lease: index,
        shift: fc.constantFrom(0, 0, 0, -1, -2, 1),
        count: fc.constantFrom(0, 1, 2, 3),
      }),
    ),
    weighted(4, fc.record({ type: fc.constant('checkpoint' as const), lease: index, value: index })),
    weighted(9, fc.record({ type: fc.constant('finish' as const), lease: index, end })),
    weighted(2, fc.record({ type: fc.constant('release' as const), lease: index })),
  );
  return fc.array(command, { maxLength: 70, size: 'max' });
}

const index = fc.nat({ max: 1_000 });
const leaseSeconds = fc.constantFrom(5, 30);
const status = fc.constantFrom(...RUN_STATUSES);
const action = fc.constantFrom(...CANCEL_ACTIONS);
const milliseconds = fc.constantFrom(1, 999, 1_000, 2_000, 5_000, 15_000, 30_000, 61_000);
const retrying: fc.Arbitrary<End> = fc.record({
  status: fc.constant('ERROR'),
  output: fc.constant(null),
  retry: fc.constant(true),
  retryAfterSeconds: fc.constantFrom(null, 0, 10),
});
const final: fc.Arbitrary<End> = fc
  .record({
    status: fc.constantFrom('SUCCESS', 'SUCCESS', 'INTERRUPTED', 'ERROR', 'TIMEOUT', 'CANCELLED'),
    output: fc.option(index, { freq: 2 }),
  })
  .map((given): End => {
    const takesOutput = given.status === 'SUCCESS' || given.status === 'INTERRUPTED';
    const output = takesOutput ? given.output : null;
    return { status: given.status, output, retry: false, retryAfterSeconds: null };
  });
const end = fc.oneof(weighted(2, final), weighted(1, retrying));

function weighted<T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.WeightedArbitrary<T> {
  return { weight, arbitrary };
}
