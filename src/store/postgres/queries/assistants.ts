import { refused } from '../../outcome.ts';
import type { AssistantFilter, AssistantOrderField } from '../../query.ts';
import type { Assistant } from '../../records.ts';
import {
  changeAssistant,
  checkAssistant,
  newAssistant,
  refuseAssistantDelete,
} from '../../rules/assistant.ts';
import { matchAssistants } from '../../rules/filter.ts';
import { isId } from '../../rules/identity.ts';
import type { AssistantStore } from '../../stores.ts';
import type { Parts } from '../stores.ts';
import { lockAssistant } from './locks.ts';
import { createReads } from './reads.ts';
import { decideAndWrite, nothing } from '../notifications/changes.ts';

/** The assistants in PostgreSQL. */
export function createAssistants({ database, reader, cursors, now }: Parts): AssistantStore {
  const reads = createReads<Assistant, AssistantFilter, AssistantOrderField>(reader, cursors, {
    resource: 'assistant',
    match: matchAssistants,
  });
  return {
    ...reads,
    create(owner, input) {
      const created = newAssistant(owner, input, now());
      if ('refusals' in created) return created;
      const changes = [{ resource: 'assistant', before: null, after: created.value }] as const;
      return decideAndWrite<Assistant>(database, reader, owner, async () => ({ outcome: created, changes }));
    },
    update(owner, id, changes) {
      const checked = checkAssistant(changes);
      if ('refusals' in checked) return checked;
      if (!isId(id)) return { value: null };
      return decideAndWrite<Assistant | null>(database, reader, owner, async (tx) => {
        const before = await lockAssistant(tx, owner, id, 'FOR UPDATE');
        if (before === null) return nothing({ value: null });
        const outcome = changeAssistant(owner, before, checked.value, now());
        if ('refusals' in outcome) return nothing(outcome);
        return { outcome, changes: [{ resource: 'assistant', before, after: outcome.value }] };
      });
    },
    delete(owner, id) {
      if (!isId(id)) return { value: null };
      return decideAndWrite<Assistant | null>(database, reader, owner, async (tx) => {
        const [before, [row]] = await Promise.all([
          lockAssistant(tx, owner, id, 'FOR UPDATE'),
          tx.run(tx.sql<{ active: number }[]>`SELECT count(*)::float8 AS active FROM agent_graphql.runs
            WHERE owner = ${owner} AND assistant_id = ${id} AND ended IS NULL`),
        ]);
        if (before === null) return nothing({ value: null });
        const refusal = refuseAssistantDelete(row?.active ?? 0);
        if (refusal !== null) return nothing(refused(refusal));
        return { outcome: { value: before }, changes: [{ resource: 'assistant', before, after: null }] };
      });
    },
  };
}
