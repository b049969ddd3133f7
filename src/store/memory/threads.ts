import type { Change } from '../change.ts';
import type { ThreadFilter, ThreadOrderField } from '../query.ts';
import type { Thread } from '../records.ts';
import { matchThreads } from '../rules/filter.ts';
import { THREAD_DEFAULTS } from '../rules/idempotency.ts';
import { checkMetadata } from '../rules/metadata.ts';
import { applyThreadPatch, newThread } from '../rules/thread.ts';
import type { ThreadStore } from '../stores.ts';
import { createOnce } from './creation.ts';
import type { Database } from './database.ts';
import { createReads } from './reads.ts';

/** The threads in memory. Methods are synchronous, except for reads whose filter has to compare many records. */
export function createThreads(database: Database): ThreadStore {
  const reads = createReads<Thread, ThreadFilter, ThreadOrderField>(database, {
    resource: 'thread',
    table: (partition) => partition.threads,
    match: matchThreads,
  });
  return {
    ...reads,
    create: (owner, input) =>
      createOnce(database, owner, {
        resource: 'thread',
        input,
        defaults: THREAD_DEFAULTS,
        table: database.partition(owner).threads,
        create(keyDetails) {
          const created = newThread(owner, input, database.now());
          if ('refusals' in created) return created;
          const { value } = created;
          database.commit(owner, [{ resource: 'thread', before: null, after: value }], keyDetails(value.id));
          return { value, replayed: false };
        },
      }),
    update(owner, id, changes) {
      const given = checkMetadata(changes.metadata);
      if ('refusals' in given) return given;
      const before = database.partition(owner).threads.get(id);
      if (before === null) return { value: null };
      const changed = applyThreadPatch(owner, before, given.value, database.now());
      if ('value' in changed && changed.value !== before) {
        database.commit(owner, [{ resource: 'thread', before, after: changed.value }]);
      }
      return changed;
    },
    delete(owner, id) {
      const partition = database.partition(owner);
      const before = partition.threads.get(id);
      if (before === null) return { value: null };
      const runs = partition.runsOfThread.get(id)?.index.scan({ field: 'CREATED_AT', ascending: true }) ?? [];
      const deletions = Array.from(runs, (run): Change => ({ resource: 'run', before: run, after: null }));
      database.commit(owner, [...deletions, { resource: 'thread', before, after: null }]);
      return { value: before };
    },
  };
}
