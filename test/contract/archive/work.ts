import * as fc from 'fast-check';
import type { Owner } from '../../../src/store/owner.ts';
import { CANCEL_ACTIONS, type CancelAction, type NewRun } from '../../../src/store/records.ts';
import type { FinishRequest } from '../../../src/store/queue.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { makeAssistant } from '../../support/records.ts';
import { claim } from '../../support/worker.ts';

/** What clients and workers do to runs: each step picks one of the runs or leases that there are. */
export type Work =
  | {
      readonly type: 'create';
      readonly owner: Owner;
      readonly input: Omit<NewRun, 'assistantId' | 'threadId'>;
      readonly onNewThread: boolean;
    }
  | { readonly type: 'claim'; readonly owner: Owner; readonly allOwners: boolean }
  | { readonly type: 'append'; readonly pick: number; readonly count: number }
  | { readonly type: 'checkpoint'; readonly pick: number }
  | { readonly type: 'finish'; readonly pick: number; readonly end: Omit<FinishRequest, 'lease'> }
  | { readonly type: 'release'; readonly pick: number }
  | { readonly type: 'cancel'; readonly pick: number; readonly action: CancelAction }
  | { readonly type: 'delete'; readonly pick: number }
  | { readonly type: 'pass'; readonly seconds: number };

/** Scripts of work by these owners. */
export function works(owners: readonly Owner[]): fc.Arbitrary<Work[]> {
  const owner = fc.constantFrom(...owners);
  const pick = fc.nat({ max: 100 });
  const arbitraries: readonly fc.WeightedArbitrary<Work>[] = [
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant('create' as const),
        owner,
        onNewThread: fc.boolean(),
        input: fc.record(
          {
            input: fc.constantFrom({}, { z: 1, 2: 'é\u2028', '__proto__ ': [-0, 1e21] }),
            idempotencyKey: fc.constantFrom('a', 'b', '😀'),
            delaySeconds: fc.constantFrom(0, 5, 2_000_000),
            timeoutSeconds: fc.constantFrom(1, 60, null),
            maxAttempts: fc.constantFrom(1, 2, 3),
          },
          { requiredKeys: [] },
        ),
      }),
    },
    {
      weight: 7,
      arbitrary: fc.record({ type: fc.constant('claim' as const), owner, allOwners: fc.boolean() }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ type: fc.constant('append' as const), pick, count: fc.nat({ max: 3 }) }),
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('checkpoint' as const), pick }) },
    {
      weight: 6,
      arbitrary: fc.record({ type: fc.constant('finish' as const), pick, end: fc.constantFrom(...ENDS) }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('release' as const), pick }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('cancel' as const),
        pick,
        action: fc.constantFrom(...CANCEL_ACTIONS),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('delete' as const), pick }) },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('pass' as const),
        seconds: fc.constantFrom(0.001, 2, 31, 90_000),
      }),
    },
  ];
  return fc.array(fc.oneof(...arbitraries), { maxLength: 50, size: 'max' });
}

const FAILURE = { code: 'E', message: 'Failed.', details: { a: [null] } };
const ENDS: readonly Omit<FinishRequest, 'lease'>[] = [
  { status: 'SUCCESS', output: { done: [1.5e300, 5e-324] }, retry: false },
  { status: 'SUCCESS', retry: false },
  { status: 'INTERRUPTED', interrupt: { question: '?' }, retry: false },
  { status: 'ERROR', error: FAILURE, retry: false },
  { status: 'ERROR', error: FAILURE, retry: true, retryAfterSeconds: 60 },
  { status: 'ERROR', error: FAILURE, retry: true },
  { status: 'CANCELLED', retry: false },
];

/** A lease that a worker was given, and how many events it has sent. */
interface HeldLease {
  readonly worker: Owner;
  readonly lease: string;
  offset: number;
}

/** Does work, whether or not a step is refused. */
export async function doWork(
  script: readonly Work[],
  stores: Stores,
  pass: (seconds: number) => Promise<void>,
): Promise<void> {
  const { runs, queue } = stores;
  const leases: HeldLease[] = [];
  const created: { readonly owner: Owner; readonly id: string; readonly threadId: string }[] = [];
  const assistantIds = new Map<Owner, string>();

  const assistantOf = async (owner: Owner): Promise<string> => {
    const id = assistantIds.get(owner) ?? (await makeAssistant(stores, owner)).id;
    assistantIds.set(owner, id);
    return id;
  };

  for (const step of script) {
    switch (step.type) {
      case 'create': {
        const { owner, onNewThread, input } = step;
        const last = onNewThread ? undefined : created.findLast((one) => one.owner === owner);
        const threadId = last?.threadId ?? null;
        const outcome = await runs.create(owner, {
          ...input,
          assistantId: await assistantOf(owner),
          threadId,
        });
        if ('value' in outcome) created.push({ owner, ...outcome.value });
        break;
      }
      case 'claim': {
        const { owner: worker, allOwners } = step;
        for (const { lease } of await claim(stores, worker, {
          allOwners,
          max: 2,
          graphIds: ['graph', 'g'],
        })) {
          leases.push({ worker, lease, offset: 0 });
        }
        break;
      }
      case 'append': {
        const held = pickOf(leases, step.pick);
        if (held === undefined) break;
        const { worker, lease, offset } = held;
        const events = Array.from({ length: step.count }, (_, index) => ({
          type: index === 0 ? 'é"\\' : 'TOKEN',
          ...(index < 2 && { data: { index, text: '\u2028\n' } }),
        }));
        const outcome = await queue.appendEvents(worker, { lease, offset, events });
        held.offset = outcome.lease?.storedEvents ?? 0;
        break;
      }
      case 'checkpoint': {
        const held = pickOf(leases, step.pick);
        if (held === undefined) break;
        await queue.checkpoint(held.worker, {
          lease: held.lease,
          values: { pick: step.pick, b: { a: '"' } },
        });
        break;
      }
      case 'finish': {
        const held = pickOf(leases, step.pick);
        if (held !== undefined) await queue.finish(held.worker, { lease: held.lease, ...step.end });
        break;
      }
      case 'release': {
        const held = pickOf(leases, step.pick);
        if (held !== undefined) await queue.release(held.worker, [held.lease]);
        break;
      }
      case 'cancel': {
        const run = pickOf(created, step.pick);
        if (run !== undefined) await runs.cancel(run.owner, run.id, step.action);
        break;
      }
      case 'delete': {
        const run = pickOf(created, step.pick);
        if (run !== undefined) await runs.delete(run.owner, run.id);
        break;
      }
      case 'pass':
        await pass(step.seconds);
    }
  }
}

function pickOf<T>(items: readonly T[], pick: number): T | undefined {
  // The latest ones are rather those that can still be used.
  return items.at(-1 - (pick % Math.max(1, items.length)));
}
