import type { Change } from '../../change.ts';
import type { ThreadFilter, ThreadOrderField } from '../../query.ts';
import type { Run, Thread } from '../../records.ts';
import { matchThreads } from '../../rules/filter.ts';
import { isId } from '../../rules/identity.ts';
import { checkMetadata } from '../../rules/metadata.ts';
import { changeThread, newThread } from '../../rules/thread.ts';
import type { ThreadStore } from '../../stores.ts';
import { decideAndWrite, nothing } from '../notifications/changes.ts';
import { lockThread } from './locks.ts';
import { createReads } from './reads.ts';
import { TABLES } from './rows.ts';
import type { Parts } from '../stores.ts';

/** The threads in PostgreSQL. */
export function createThreads({ database, reader, cursors, now }: Parts): ThreadStore {
  const reads = createReads<Thread, ThreadFilter, ThreadOrderField>(reader, cursors, {
    resource: 'thread',
    match: matchThreads,
  });
  return {
    ...reads,
    create(owner, input) {
      const created = newThread(owner, input, now());
      if ('refusals' in created) return created;
      const changes = [{ resource: 'thread', before: null, after: created.value }] as const;
      return decideAndWrite<Thread>(database, reader, owner, async () => ({ outcome: created, changes }));
    },
    update(owner, id, changes) {
      const given = checkMetadata(changes.metadata);
      if ('refusals' in given) return given;
      if (!isId(id)) return { value: null };
      return decideAndWrite<Thread | null>(database, reader, owner, async (tx) => {
        const before = await lockThread(tx, owner, tx.sql`${id}::uuid`);
        if (before === null) return nothing({ value: null });
        const outcome = changeThread(owner, before, given.value, now());
        if ('refusals' in outcome || outcome.value === before) return nothing(outcome);
        return { outcome, changes: [{ resource: 'thread', before, after: outcome.value }] };
      });
    },
    delete(owner, id) {
      if (!isId(id)) return { value: null };
      return decideAndWrite<Thread | null>(database, reader, owner, async (tx) => {
        const [before, runs] = await Promise.all([
          lockThread(tx, owner, tx.sql`${id}::uuid`),
          tx.run(tx.sql<Run[]>`SELECT ${tx.sql.unsafe(TABLES.run.columns)} FROM agent_graphql.runs
            WHERE owner = ${owner} AND thread_id = ${id} ORDER BY created_at, id`),
        ]);
        if (before === null) return nothing({ value: null });
        const deletions = runs.map((run): Change => ({ resource: 'run', before: run, after: null }));
        return {
          outcome: { value: before },
          changes: [...deletions, { resource: 'thread', before, after: null }],
        };
      });
    },
  };
}
