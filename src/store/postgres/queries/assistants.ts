import { refused } from '../../outcome.ts';
import type { AssistantFilter, AssistantOrderField } from '../../query.ts';
import type { Assistant } from '../../records.ts';
import {
  applyAssistantPatch,
  checkAssistantInput,
  newAssistant,
  refuseAssistantDelete,
} from '../../rules/assistant.ts';
import { matchAssistants } from '../../rules/filter.ts';
import { isId } from '../../rules/identity.ts';
import type { AssistantStore } from '../../stores.ts';
import type { StoreDependencies } from './dependencies.ts';
import { lockAssistant } from './locks.ts';
import { createReads } from './reads.ts';
import { noChanges, runMutation } from './run-mutation.ts';

/** The assistants in PostgreSQL. */
export function createAssistants(dependencies: StoreDependencies): AssistantStore {
  const reads = createReads<Assistant, AssistantFilter, AssistantOrderField>(dependencies, {
    resource: 'assistant',
    match: matchAssistants,
  });
  const { now } = dependencies;
  return {
    ...reads,
    create(owner, input) {
      const created = newAssistant(owner, input, now());
      if ('refusals' in created) return created;
      const changes = [{ resource: 'assistant', before: null, after: created.value }] as const;
      return runMutation<Assistant>(dependencies, owner, async () => ({ outcome: created, changes }));
    },
    update(owner, id, changes) {
      const checked = checkAssistantInput(changes);
      if ('refusals' in checked) return checked;
      if (!isId(id)) return { value: null };
      return runMutation<Assistant | null>(dependencies, owner, async (tx) => {
        const before = await lockAssistant(tx, owner, id, 'FOR UPDATE');
        if (before === null) return noChanges({ value: null });
        const outcome = applyAssistantPatch(owner, before, checked.value, now());
        if ('refusals' in outcome) return noChanges(outcome);
        return { outcome, changes: [{ resource: 'assistant', before, after: outcome.value }] };
      });
    },
    delete(owner, id) {
      if (!isId(id)) return { value: null };
      return runMutation<Assistant | null>(dependencies, owner, async (tx) => {
        const [before, [row]] = await Promise.all([
          lockAssistant(tx, owner, id, 'FOR UPDATE'),
          tx.run(tx.sql<{ active: number }[]>`SELECT count(*)::float8 AS active FROM agent_graphql.runs
            WHERE owner = ${owner} AND assistant_id = ${id} AND ended IS NULL`),
        ]);
        if (before === null) return noChanges({ value: null });
        const refusal = refuseAssistantDelete(row?.active ?? 0);
        if (refusal !== null) return noChanges(refused(refusal));
        return { outcome: { value: before }, changes: [{ resource: 'assistant', before, after: null }] };
      });
    },
  };
}
