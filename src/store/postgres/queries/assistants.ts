import { type Outcome, refused } from '../../outcome.ts';
import type { AssistantFilter, AssistantOrderField } from '../../query.ts';
import type { Assistant } from '../../records.ts';
import {
  applyAssistantPatch,
  checkAssistantInput,
  newAssistant,
  refuseAssistantDelete,
} from '../../rules/assistant.ts';
import { matchAssistants } from '../../rules/filter.ts';
import { ASSISTANT_DEFAULTS } from '../../rules/idempotency.ts';
import { isId } from '../../rules/identity.ts';
import type { AssistantStore } from '../../stores.ts';
import { createOnce, deleteKeys } from './create-once.ts';
import type { StoreDependencies } from './dependencies.ts';
import { lockAssistant } from './locks.ts';
import { moveWaitingRuns, lockForMove } from './move-waiting-runs.ts';
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
      const check = () => newAssistant(owner, input, now());
      const creation = { resource: 'assistant', input, defaults: ASSISTANT_DEFAULTS, check } as const;
      return createOnce<Assistant, Assistant>(dependencies, owner, creation, async (after) => {
        return {
          outcome: { value: after },
          changes: [{ resource: 'assistant', before: null, after }],
          insertsOnly: true,
        };
      });
    },
    update(owner, id, patch) {
      const checked = checkAssistantInput(patch);
      if ('refusals' in checked) return checked;
      if (!isId(id)) return { value: null };
      return runMutation<Outcome<Assistant | null>>(dependencies, owner, async (tx, announcements) => {
        const { graphId } = checked.value.fields;
        const before =
          graphId === undefined
            ? await lockAssistant(tx, owner, id, 'FOR UPDATE')
            : await lockForMove(tx, owner, id, graphId);
        if (before === null) return noChanges({ value: null });
        const outcome = applyAssistantPatch(owner, before, checked.value, now());
        if ('refusals' in outcome) return noChanges(outcome);
        const { value } = outcome;
        const isMoved = value.graphId !== before.graphId;
        return {
          outcome,
          changes: [{ resource: 'assistant', before, after: value }],
          store: async () => {
            if (isMoved) await moveWaitingRuns(dependencies, tx, announcements, owner, value);
          },
        };
      });
    },
    delete(owner, id) {
      if (!isId(id)) return { value: null };
      return runMutation<Outcome<Assistant | null>>(dependencies, owner, async (tx) => {
        const [before, [row]] = await Promise.all([
          lockAssistant(tx, owner, id, 'FOR UPDATE'),
          tx.run(tx.sql<{ active: number }[]>`SELECT count(*)::float8 AS active FROM agent_graphql.runs
            WHERE owner = ${owner} AND assistant_id = ${id} AND ended IS NULL`),
        ]);
        if (before === null) return noChanges({ value: null });
        const refusal = refuseAssistantDelete(row?.active ?? 0);
        if (refusal !== null) return noChanges(refused(refusal));
        return {
          outcome: { value: before },
          changes: [{ resource: 'assistant', before, after: null }],
          store: () => deleteKeys(tx, owner, [id]),
        };
      });
    },
  };
}
