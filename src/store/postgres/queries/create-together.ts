import type { Outcome } from '../../outcome.ts';
import type { Owner } from '../../owner.ts';
import type { Assistant, Run } from '../../records.ts';
import { isId } from '../../rules/identity.ts';
import { type CheckedNewRun, newRun, type NewRunContext } from '../../rules/run.ts';
import { StoreUnavailable } from '../../unavailable.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { CallBatches } from '../client/call-batches.ts';
import type { Transaction } from '../client/pool.ts';
import { insertInputs } from '../tables/store-steps.ts';
import { enqueueHeads, planNewRun } from './create-run.ts';
import type { StoreDependencies } from './dependencies.ts';
import { type PlanMutation, runMutation } from './run-mutation.ts';

/** The creations of runs at this server: those of one owner that come at the same time share transactions. */
export type RunCreations = CallBatches<RunCreation>;

/** The creation of a run with a thread of its own. */
interface RunCreation {
  readonly input: CheckedNewRun;
  /** Null until it is done. */
  outcome: Outcome<Run> | null;
}

/** The context of a run with a new thread, besides its assistant: there are no other runs. */
const NOTHING: Omit<NewRunContext, 'hasAssistant'> = {
  thread: null,
  resumed: null,
  active: [],
  nextEnded: 1,
};

/** Whether a run can be created together with others: it depends on no other run. */
export function isIndependent({ threadId, resumes }: CheckedNewRun): boolean {
  return threadId === null && resumes === null;
}

/** Creates a run that depends on no other. */
export async function createTogether(
  dependencies: StoreDependencies,
  creations: RunCreations,
  owner: Owner,
  input: CheckedNewRun,
): Promise<Outcome<Run>> {
  const creation: RunCreation = { input, outcome: null };
  const bytes = (input.input?.length ?? 0) + JSON.stringify(input.metadata).length;
  try {
    await creations.add(owner, creation, bytes, (batch) => createBatch(dependencies, owner, batch));
  } finally {
    dependencies.reader.reset();
  }
  return creation.outcome ?? createSingly(dependencies, owner, input);
}

function createSingly(
  dependencies: StoreDependencies,
  owner: Owner,
  input: CheckedNewRun,
): Promise<Outcome<Run>> {
  return runMutation<Outcome<Run>>(dependencies, owner, (tx, announcements) =>
    planNewRun(dependencies, tx, announcements, owner, input),
  );
}

/** Creates runs together; those whose outcome stays null are created singly. */
async function createBatch(
  dependencies: StoreDependencies,
  owner: Owner,
  batch: readonly RunCreation[],
): Promise<void> {
  try {
    const outcomes = await createAll(
      dependencies,
      owner,
      batch.map(({ input }) => input),
    );
    for (const [index, creation] of batch.entries()) creation.outcome = outcomes[index] ?? null;
  } catch (error) {
    // Another error may be that of one run alone.
    if (error instanceof StoreUnavailable) throw error;
  }
}

/** Creates runs in one transaction. Returns their outcomes, in order. */
function createAll(
  dependencies: StoreDependencies,
  owner: Owner,
  inputs: readonly CheckedNewRun[],
): Promise<readonly Outcome<Run>[]> {
  const { clock, announcer } = dependencies;
  const plan: PlanMutation<readonly Outcome<Run>[]> = async (tx, announcements) => {
    const [assistants, now] = await Promise.all([lockAssistants(tx, owner, inputs), clock(tx)]);
    const made = inputs.map((input) => {
      const assistant = assistants.get(input.assistantId);
      return {
        input,
        assistant,
        outcome: newRun(owner, input, { ...NOTHING, hasAssistant: assistant !== undefined }, now),
      };
    });
    const created = made.flatMap(({ input, assistant, outcome }) => {
      if ('refusals' in outcome || assistant === undefined) return [];
      const { run, changes } = outcome.value;
      return { run, changes, input: input.input, graphId: assistant.graphId };
    });
    const withInput = created.flatMap(({ run, input }) => (input === null ? [] : { id: run.id, input }));
    return {
      outcome: made.map(({ outcome }) => ('refusals' in outcome ? outcome : { value: outcome.value.run })),
      changes: created.flatMap(({ changes }) => changes),
      store: () =>
        Promise.all([
          ...(withInput.length === 0 ? [] : [insertInputs(tx, owner, withInput)]),
          ...(created.length === 0
            ? []
            : [enqueueHeads(tx, announcements, owner, created, now, announcer.serverId)]),
        ]),
    };
  };
  return runMutation(dependencies, owner, plan, { planning: 'once' });
}

/** Reads the assistants of new runs, which no other transaction deletes until this one ends, by their ids. */
async function lockAssistants(
  { sql, run }: Transaction,
  owner: Owner,
  inputs: readonly CheckedNewRun[],
): Promise<ReadonlyMap<string, Pick<Assistant, 'graphId'>>> {
  // All transactions lock them in the same order, so that none waits for another that waits for it.
  const ids = [...new Set(inputs.map(({ assistantId }) => assistantId))].filter(isId).toSorted();
  const rows = await run(sql<Pick<Assistant, 'id' | 'graphId'>[]>`SELECT found.*
    FROM unnest(${arrayLiteral(ids)}::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
      SELECT id, graph_id AS "graphId" FROM agent_graphql.assistants
      WHERE owner = ${owner} AND id = wanted.id LIMIT 1 FOR SHARE
    ) AS found`);
  return new Map(rows.map(({ id, graphId }) => [id, { graphId }]));
}
