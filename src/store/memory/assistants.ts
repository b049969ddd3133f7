import { refused } from '../outcome.ts';
import type { AssistantFilter, AssistantOrderField } from '../query.ts';
import type { Assistant } from '../records.ts';
import { changeAssistant, checkAssistant, newAssistant, refuseAssistantDelete } from '../rules/assistant.ts';
import { matchAssistants } from '../rules/filter.ts';
import type { AssistantStore } from '../stores.ts';
import type { Database } from './database.ts';
import { createReads } from './reads.ts';

/** The assistants in memory. Every method answers at once, save reads whose filter has to look far. */
export function createAssistants(database: Database): AssistantStore {
  const reads = createReads<Assistant, AssistantFilter, AssistantOrderField>(database, {
    resource: 'assistant',
    table: (shelf) => shelf.assistants,
    match: matchAssistants,
  });
  return {
    ...reads,
    create(owner, input) {
      const created = newAssistant(owner, input, database.now());
      if ('value' in created) {
        database.commit(owner, [{ resource: 'assistant', before: null, after: created.value }]);
      }
      return created;
    },
    update(owner, id, changes) {
      const checked = checkAssistant(changes);
      if ('refusals' in checked) return checked;
      const before = database.shelf(owner).assistants.get(id);
      if (before === null) return { value: null };
      const changed = changeAssistant(owner, before, checked.value, database.now());
      if ('value' in changed) {
        database.commit(owner, [{ resource: 'assistant', before, after: changed.value }]);
      }
      return changed;
    },
    delete(owner, id) {
      const shelf = database.shelf(owner);
      const before = shelf.assistants.get(id);
      if (before === null) return { value: null };
      const refusal = refuseAssistantDelete(shelf.runsOfAssistant.get(id)?.active ?? 0);
      if (refusal !== null) return refused(refusal);
      database.commit(owner, [{ resource: 'assistant', before, after: null }]);
      return { value: before };
    },
  };
}
