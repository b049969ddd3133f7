import type { RunStep } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { StoredRun } from '../../rules/execution/steps.ts';
import { runInTransaction } from '../client/database.ts';
import type { Transaction } from '../client/pool.ts';
import { Announcements } from '../notifications/announcer.ts';
import type { StoreDependencies } from '../queries/dependencies.ts';
import { lockRuns } from '../queries/lock-runs.ts';
import { announceEvents, changeOf, planSteps } from '../queries/plan-step.ts';
import { storeAndCommit } from '../queries/run-mutation.ts';
import { readExecutions } from '../tables/executions.ts';
import { findByIds } from '../tables/find-by-ids.ts';
import { affectsThread, storeSteps } from '../tables/store-steps.ts';
import { TABLES } from '../tables/tables.ts';
import type { Run } from '../../records.ts';

/** A call of a worker about a run. */
export interface RunCall {
  readonly runId: string;
  /** Decides, and keeps the result; null where nothing is stored. @param now milliseconds since 1970 */
  decide(stored: StoredRun, now: number): RunStep | null;
}

type Dependencies = Pick<StoreDependencies, 'database' | 'announcer' | 'clock'>;

/**
 * Decides about runs of one owner in one transaction.
 * @param withThreads whether the steps are likely to change the runs' threads, which are then locked too
 * @returns the calls that were decided: not those about runs that do not exist, or that other transactions have locked,
 * nor a second one about a run or a thread
 */
export async function decideTogether<Call extends RunCall>(
  { database, announcer, clock }: Dependencies,
  owner: Owner,
  calls: readonly Call[],
  withThreads: boolean,
): Promise<readonly Call[]> {
  const announcements = new Announcements();
  const byRun = new Map(calls.toReversed().map((call) => [call.runId, call]));
  const decide = (tx: Transaction): Promise<readonly Call[]> =>
    withThreads
      ? decideWithThreads({ announcer, clock }, tx, announcements, owner, byRun)
      : decideAlone({ clock }, tx, announcements, owner, byRun);
  const decided = await runInTransaction(database, owner, decide, { planning: 'once' });
  announcer.announce(announcements);
  return decided;
}

async function decideWithThreads<Call extends RunCall>(
  { announcer, clock }: Pick<Dependencies, 'announcer' | 'clock'>,
  tx: Transaction,
  announcements: Announcements,
  owner: Owner,
  calls: ReadonlyMap<string, Call>,
): Promise<readonly Call[]> {
  const locked = await lockRuns(tx, owner, [...calls.keys()], clock, 'FOR UPDATE SKIP LOCKED');
  const byThread = new Map(locked.toReversed().map((one) => [one.thread.id, one]));
  const now = locked[0]?.now ?? 0;
  const decided: Call[] = [];
  const steps = Array.from(byThread.values()).flatMap((one) => {
    const call = calls.get(one.stored.run.id);
    if (call === undefined) return [];
    decided.push(call);
    const step = call.decide(one.stored, now);
    return step === null ? [] : { locked: one, step };
  });
  if (steps.length === 0) return decided;
  const plan = planSteps({ announcer }, tx, announcements, owner, steps, now);
  await storeAndCommit(tx, owner, { outcome: null, ...plan });
  return decided;
}

/** Decides with only the executions locked, without steps that turn out to change a thread. */
async function decideAlone<Call extends RunCall>(
  { clock }: Pick<Dependencies, 'clock'>,
  tx: Transaction,
  announcements: Announcements,
  owner: Owner,
  calls: ReadonlyMap<string, Call>,
): Promise<readonly Call[]> {
  const ids = [...calls.keys()];
  const [executions, runs, now] = await Promise.all([
    readExecutions(tx, owner, ids, 'FOR UPDATE SKIP LOCKED'),
    findByIds<Run>(tx, owner, TABLES.run, ids),
    clock(tx),
  ]);
  const decided: Call[] = [];
  const steps = runs.flatMap((run) => {
    const [call, execution] = [calls.get(run?.id ?? ''), executions.get(run?.id ?? '')];
    if (run === null || call === undefined || execution === undefined) return [];
    const before = { run, execution };
    // `nextEnded` is not used: a step that ends the run affects its thread.
    const step = call.decide({ ...before, nextEnded: 0 }, now);
    if (step !== null && affectsThread(before, step)) return [];
    decided.push(call);
    return step === null ? [] : { before, step };
  });
  if (steps.length === 0) return decided;
  for (const { step } of steps) announceEvents(announcements, owner, step);
  await storeAndCommit(tx, owner, {
    outcome: null,
    changes: steps.flatMap(({ before, step }) => changeOf(before.run, step.run)),
    store: () => storeSteps(tx, owner, steps),
  });
  return decided;
}
