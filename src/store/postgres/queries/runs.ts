import type { Change } from '../../change.ts';
import { type CreateOutcome, type Outcome, refused } from '../../outcome.ts';
import type { Owner } from '../../owner.ts';
import type { RunFilter, RunOrderField } from '../../query.ts';
import type { Run } from '../../records.ts';
import { cancelRun } from '../../rules/execution/cancel.ts';
import { matchRuns } from '../../rules/filter.ts';
import { RUN_DEFAULTS } from '../../rules/idempotency.ts';
import { isId } from '../../rules/identity.ts';
import {
  applyRunPatch,
  type CheckedNewRun,
  checkNewRun,
  checkRunPatch,
  refuseRunDelete,
} from '../../rules/run.ts';
import { threadStatus } from '../../rules/status.ts';
import { threadChange } from '../../rules/thread.ts';
import type { RunStore } from '../../stores.ts';
import type { Transaction } from '../client/pool.ts';
import { planStep } from './plan-step.ts';
import { createOnce } from './create-once.ts';
import { planNewRun } from './create-run.ts';
import { createTogether, isIndependent, type RunCreations } from './create-together.ts';
import { deleteOfRuns } from './delete-of-runs.ts';
import type { StoreDependencies } from './dependencies.ts';
import { createEventReader } from './events.ts';
import { type LockedRun, lockRun } from './lock-runs.ts';
import { createPayloadReader } from './payloads.ts';
import { createReads } from './reads.ts';
import { noChanges, runMutation } from './run-mutation.ts';

/** The runs in PostgreSQL. */
export function createRuns(dependencies: StoreDependencies, creations: RunCreations): RunStore {
  const reads = createReads<Run, RunFilter, RunOrderField>(dependencies, {
    resource: 'run',
    match: matchRuns,
    parentOf: (run, column) => (column === 'thread_id' ? run.threadId : run.assistantId),
  });
  const { clock } = dependencies;
  return {
    ...reads,
    payload: createPayloadReader(dependencies),
    events: createEventReader(dependencies),
    create(owner, input) {
      const check = () => checkNewRun(owner, input);
      if (input.idempotencyKey == null) {
        const checked = check();
        if ('refusals' in checked) return checked;
        if (isIndependent(checked.value))
          return created(createTogether(dependencies, creations, owner, checked.value));
      }
      const creation = { resource: 'run', input, defaults: RUN_DEFAULTS, check } as const;
      return createOnce<Run, CheckedNewRun>(dependencies, owner, creation, (checked, tx, announcements) =>
        planNewRun(dependencies, tx, announcements, owner, checked),
      );
    },
    update(owner, id, patch) {
      const checked = checkRunPatch(patch);
      if ('refusals' in checked) return checked;
      if (!isId(id)) return { value: null };
      return runMutation<Outcome<Run | null>>(dependencies, owner, async (tx, announcements) => {
        const locked = await lockRun(tx, owner, id, clock);
        if (locked === null) return noChanges({ value: null });
        const outcome = applyRunPatch(owner, locked.stored, checked.value, locked.now);
        if ('refusals' in outcome) return noChanges(outcome);
        const step = outcome.value;
        if (step === null) return noChanges({ value: locked.stored.run });
        return {
          outcome: { value: step.run },
          ...planStep(dependencies, tx, announcements, owner, locked, step),
        };
      });
    },
    cancel(owner, id, action) {
      if (!isId(id)) return null;
      return runMutation<Run | null>(dependencies, owner, async (tx, announcements) => {
        const locked = await lockRun(tx, owner, id, clock);
        if (locked === null) return noChanges(null);
        const step = cancelRun(locked.stored, action, locked.now);
        if (step === null) return noChanges(locked.stored.run);
        return { outcome: step.run, ...planStep(dependencies, tx, announcements, owner, locked, step) };
      });
    },
    delete(owner, id) {
      if (!isId(id)) return { value: null };
      return runMutation<Outcome<Run | null>>(dependencies, owner, async (tx) => {
        const locked = await lockRun(tx, owner, id, clock);
        if (locked === null) return noChanges({ value: null });
        const { run } = locked.stored;
        const refusal = refuseRunDelete(run);
        if (refusal !== null) return noChanges(refused(refusal));
        const deletion: Change = { resource: 'run', before: run, after: null };
        return {
          outcome: { value: run },
          changes: [deletion, ...(await followDeletion(tx, owner, locked))],
          store: () => deleteOfRuns(tx, owner, [id]),
        };
      });
    },
  };
}

async function created(outcome: Promise<Outcome<Run>>): Promise<CreateOutcome<Run>> {
  const done = await outcome;
  return 'refusals' in done ? done : { value: done.value, replayed: false };
}

/** The change of a thread after one of its runs, which has ended, is deleted. */
async function followDeletion(
  tx: Transaction,
  owner: Owner,
  { thread, stored: { run }, hasOtherActive, lastEnded, now }: LockedRun,
): Promise<readonly Change[]> {
  const last = lastEnded?.id === run.id ? await findLastEnded(tx, owner, run) : lastEnded;
  const status = threadStatus(hasOtherActive ? 1 : 0, last ?? undefined);
  const valuesRunId =
    thread.valuesRunId === run.id ? await findLastOutput(tx, owner, run) : thread.valuesRunId;
  return threadChange(thread, { status, valuesRunId }, now);
}

/** The run that ended last on the thread of a run, that run aside; null where there is none. */
async function findLastEnded(
  { sql, run: send }: Transaction,
  owner: Owner,
  { id, threadId }: Run,
): Promise<Pick<Run, 'status'> | null> {
  const [last] = await send(sql<Pick<Run, 'status'>[]>`SELECT status FROM agent_graphql.runs
    WHERE owner = ${owner} AND thread_id = ${threadId} AND ended IS NOT NULL AND id <> ${id} ORDER BY ended DESC LIMIT 1`);
  return last ?? null;
}

/** The id of the run that ended last with an output on the thread of a run, that run aside; null where there is none. */
async function findLastOutput(
  { sql, run: send }: Transaction,
  owner: Owner,
  { id, threadId }: Run,
): Promise<string | null> {
  const [last] = await send(sql<{ id: string }[]>`SELECT id FROM agent_graphql.runs
    WHERE owner = ${owner} AND thread_id = ${threadId} AND has_output AND id <> ${id} ORDER BY ended DESC LIMIT 1`);
  return last?.id ?? null;
}
