import type { Change } from '../../change.ts';
import type { Outcome } from '../../outcome.ts';
import type { ThreadFilter, ThreadOrderField } from '../../query.ts';
import type { Run, Thread } from '../../records.ts';
import { matchThreads } from '../../rules/filter.ts';
import { THREAD_DEFAULTS } from '../../rules/idempotency.ts';
import { isId } from '../../rules/identity.ts';
import { checkMetadata } from '../../rules/metadata.ts';
import { applyThreadPatch, newThread } from '../../rules/thread.ts';
import type { ThreadStore } from '../../stores.ts';
import { createOnce, deleteKeys } from './create-once.ts';
import { deleteOfRuns } from './delete-of-runs.ts';
import type { StoreDependencies } from './dependencies.ts';
import { lockExecutionsOfThread, lockThread } from './locks.ts';
import { createReads } from './reads.ts';
import { noChanges, runMutation } from './run-mutation.ts';
import { TABLES } from '../tables/tables.ts';

/** The threads in PostgreSQL. */
export function createThreads(dependencies: StoreDependencies): ThreadStore {
  const reads = createReads<Thread, ThreadFilter, ThreadOrderField>(dependencies, {
    resource: 'thread',
    match: matchThreads,
  });
  const { now } = dependencies;
  return {
    ...reads,
    create(owner, input) {
      const check = () => newThread(owner, input, now());
      const creation = { resource: 'thread', input, defaults: THREAD_DEFAULTS, check } as const;
      return createOnce<Thread, Thread>(dependencies, owner, creation, async (after) => {
        return {
          outcome: { value: after },
          changes: [{ resource: 'thread', before: null, after }],
          insertsOnly: true,
        };
      });
    },
    update(owner, id, changes) {
      const given = checkMetadata(changes.metadata);
      if ('refusals' in given) return given;
      if (!isId(id)) return { value: null };
      return runMutation<Outcome<Thread | null>>(dependencies, owner, async (tx) => {
        const before = await lockThread(tx, owner, id);
        if (before === null) return noChanges({ value: null });
        const outcome = applyThreadPatch(owner, before, given.value, now());
        if ('refusals' in outcome || outcome.value === before) return noChanges(outcome);
        return { outcome, changes: [{ resource: 'thread', before, after: outcome.value }] };
      });
    },
    delete(owner, id) {
      if (!isId(id)) return { value: null };
      return runMutation<Outcome<Thread | null>>(dependencies, owner, async (tx) => {
        const [before, , runs] = await Promise.all([
          lockThread(tx, owner, id),
          lockExecutionsOfThread(tx, owner, id),
          tx.run(tx.sql<Run[]>`SELECT ${tx.sql.unsafe(TABLES.run.columns)} FROM agent_graphql.runs
            WHERE owner = ${owner} AND thread_id = ${id} ORDER BY created_at, id`),
        ]);
        if (before === null) return noChanges({ value: null });
        const runIds = runs.map((run) => run.id);
        const deletions = runs.map((run): Change => ({ resource: 'run', before: run, after: null }));
        return {
          outcome: { value: before },
          changes: [...deletions, { resource: 'thread', before, after: null }],
          store: () =>
            Promise.all([
              deleteKeys(tx, owner, [id]),
              ...(runIds.length === 0 ? [] : [deleteOfRuns(tx, owner, runIds)]),
            ]),
        };
      });
    },
  };
}
