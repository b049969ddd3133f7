import { refused } from '../outcome.ts';
import type { AssistantFilter, AssistantOrderField } from '../query.ts';
import type { Assistant } from '../records.ts';
import {
  applyAssistantPatch,
  checkAssistantInput,
  newAssistant,
  refuseAssistantDelete,
} from '../rules/assistant.ts';
import { matchAssistants } from '../rules/filter.ts';
import { ASSISTANT_DEFAULTS } from '../rules/idempotency.ts';
import type { AssistantStore } from '../stores.ts';
import { createOnce } from './creation.ts';
import type { Database } from './database.ts';
import { createReads } from './reads.ts';

/** The assistants in memory. Methods are synchronous, except for reads whose filter has to compare many records. */
export function createAssistants(database: Database): AssistantStore {
  const reads = createReads<Assistant, AssistantFilter, AssistantOrderField>(database, {
    resource: 'assistant',
    table: (partition) => partition.assistants,
    match: matchAssistants,
  });
  return {
    ...reads,
    create: (owner, input) =>
      createOnce(database, owner, {
        resource: 'assistant',
        input,
        defaults: ASSISTANT_DEFAULTS,
        table: database.partition(owner).assistants,
        create(keyDetails) {
          const created = newAssistant(owner, input, database.now());
          if ('refusals' in created) return created;
          const { value } = created;
          database.commit(
            owner,
            [{ resource: 'assistant', before: null, after: value }],
            keyDetails(value.id),
          );
          return { value, replayed: false };
        },
      }),
    update(owner, id, changes) {
      const checked = checkAssistantInput(changes);
      if ('refusals' in checked) return checked;
      const before = database.partition(owner).assistants.get(id);
      if (before === null) return { value: null };
      const changed = applyAssistantPatch(owner, before, checked.value, database.now());
      if ('value' in changed) {
        database.commit(owner, [{ resource: 'assistant', before, after: changed.value }]);
      }
      return changed;
    },
    delete(owner, id) {
      const partition = database.partition(owner);
      const before = partition.assistants.get(id);
      if (before === null) return { value: null };
      const refusal = refuseAssistantDelete(partition.runsOfAssistant.get(id)?.active ?? 0);
      if (refusal !== null) return refused(refusal);
      database.commit(owner, [{ resource: 'assistant', before, after: null }]);
      return { value: before };
    },
  };
}
