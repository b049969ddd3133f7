import type { PayloadChange, RunState, RunStep } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Sql } from '../client/connect.ts';
import type { Transaction } from '../client/pool.ts';
import { updateExecutions } from './executions.ts';

/** A step of a run, with the run's state before it. */
export interface StepOfRun {
  readonly before: RunState;
  readonly step: RunStep;
}

/** Whether a step affects the run's thread: its status, its values, or the head of its queue. */
export function affectsThread({ run: before }: RunState, { run: after }: RunStep): boolean {
  return (
    before.status !== after.status ||
    before.availableAt !== after.availableAt ||
    before.worker !== after.worker
  );
}

/**
 * Stores what steps of different runs change besides the runs' records, by one statement for each table. All statements
 * are sent before the first `await`.
 */
export async function storeSteps(tx: Transaction, owner: Owner, steps: readonly StepOfRun[]): Promise<void> {
  const statements: Promise<unknown>[] = [];
  const executions = steps.filter(
    ({ before, step }) => step.execution !== before.execution || affectsThread(before, step),
  );
  if (executions.length > 0) {
    const changed = executions.map(({ before, step }) => {
      return {
        state: step,
        firstEventAt: before.execution.lastSeq === 0 ? (step.events[0]?.at ?? null) : null,
      };
    });
    statements.push(updateExecutions(tx, owner, changed));
  }
  for (const payloads of payloadsByKind(steps)) statements.push(storePayloads(tx, owner, payloads));
  if (steps.some(({ step }) => step.events.length > 0)) statements.push(insertEvents(tx, owner, steps));
  await Promise.all(statements);
}

/** Stores the inputs of new runs. */
export async function insertInputs(
  { sql, run }: Transaction,
  owner: Owner,
  inputs: readonly { readonly id: string; /** Compact JSON. */ readonly input: string }[],
): Promise<void> {
  await run(sql`INSERT INTO agent_graphql.run_payloads (owner, run_id, input)
    SELECT ${owner}, id, input FROM json_to_recordset(${JSON.stringify(inputs)}::text::json) AS rows (id uuid, input text)`);
}

/** Changes of the payloads of runs that set the same columns, at least one. */
type PayloadChanges = readonly { readonly id: string; readonly payloads: PayloadChange }[];

/** The payloads that steps change, those together that set the same columns. */
function payloadsByKind(steps: readonly StepOfRun[]): Iterable<PayloadChanges> {
  const byKind = new Map<string, { readonly id: string; readonly payloads: PayloadChange }[]>();
  for (const { step } of steps) {
    const { run, payloads } = step;
    if (payloads === null) continue;
    const kind = `${typeof payloads.output} ${payloads.checkpoint === undefined}`;
    const others = byKind.get(kind);
    if (others === undefined) byKind.set(kind, [{ id: run.id, payloads }]);
    else others.push({ id: run.id, payloads });
  }
  return byKind.values();
}

async function storePayloads(
  { sql, run }: Transaction,
  owner: Owner,
  changes: PayloadChanges,
): Promise<void> {
  const rows = changes.map(({ id, payloads: { output, checkpoint } }) => {
    return { id, output: typeof output === 'string' ? output : null, checkpoint };
  });
  const [first] = changes;
  const isCopy = typeof first?.payloads.output === 'object';
  await run(sql`INSERT INTO agent_graphql.run_payloads AS stored (owner, run_id, output, checkpoint)
    SELECT ${owner}, id, output, checkpoint
    FROM json_to_recordset(${JSON.stringify(rows)}::text::json) AS rows (id uuid, output text, checkpoint text)
    ON CONFLICT (owner, run_id) DO UPDATE SET
      output = ${isCopy ? sql`stored.checkpoint` : newValue(sql, 'output', first?.payloads.output)},
      checkpoint = ${newValue(sql, 'checkpoint', first?.payloads.checkpoint)}`);
}

function newValue(sql: Sql, column: 'output' | 'checkpoint', given: unknown) {
  return sql.unsafe(`${given === undefined ? 'stored' : 'excluded'}.${column}`);
}

async function insertEvents(
  { sql, run: send }: Transaction,
  owner: Owner,
  steps: readonly StepOfRun[],
): Promise<void> {
  const rows = steps.flatMap(({ step: { run, events } }) =>
    events.map((event) => ({ id: run.id, ...event })),
  );
  await send(sql`INSERT INTO agent_graphql.run_events (owner, run_id, seq, attempt, type, data, at)
    SELECT ${owner}, id, seq, attempt, type, data, at
    FROM json_to_recordset(${JSON.stringify(rows)}::text::json)
      AS events (id uuid, seq integer, attempt integer, type text, data text, at timestamptz)`);
}
