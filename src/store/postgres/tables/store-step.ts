import type { PayloadChange, RunEvent, RunState, RunStep } from '../../execution.ts';
import type { Owner } from '../../owner.ts';
import type { Run } from '../../records.ts';
import type { Sql } from '../client/connect.ts';
import type { Transaction } from '../client/pool.ts';
import { updateExecution } from './executions.ts';

/** Whether a step affects the run's thread: its status, its values, or the head of its queue. */
export function affectsThread({ run: before }: RunState, { run: after }: RunStep): boolean {
  return (
    before.status !== after.status ||
    before.availableAt !== after.availableAt ||
    before.worker !== after.worker
  );
}

/** Stores what a step changes besides the run's record. All statements are sent before the first `await`. */
export async function storeStep(
  tx: Transaction,
  owner: Owner,
  before: RunState,
  step: RunStep,
): Promise<void> {
  const { run, events, payloads } = step;
  const statements: Promise<unknown>[] = [];
  if (step.execution !== before.execution || affectsThread(before, step)) {
    const firstEventAt = before.execution.lastSeq === 0 ? (events[0]?.at ?? null) : null;
    statements.push(updateExecution(tx, owner, step, firstEventAt));
  }
  if (payloads !== null) statements.push(storePayloads(tx, owner, run, payloads));
  if (events.length > 0) statements.push(insertEvents(tx, owner, run, events));
  await Promise.all(statements);
}

/** Stores the input of a new run. @param input compact JSON */
export async function insertInput(
  { sql, run }: Transaction,
  owner: Owner,
  id: string,
  input: string,
): Promise<void> {
  await run(
    sql`INSERT INTO agent_graphql.run_payloads (owner, run_id, input) VALUES (${owner}, ${id}, ${input})`,
  );
}

async function storePayloads(
  { sql, run: send }: Transaction,
  owner: Owner,
  { id }: Run,
  { output, checkpoint }: PayloadChange,
): Promise<void> {
  const isCopy = typeof output === 'object';
  await send(sql`INSERT INTO agent_graphql.run_payloads AS stored (owner, run_id, output, checkpoint)
    VALUES (${owner}, ${id}, ${isCopy ? null : (output ?? null)}, ${checkpoint ?? null})
    ON CONFLICT (owner, run_id) DO UPDATE SET output = ${isCopy ? sql`stored.checkpoint` : newValue(sql, 'output', output)},
      checkpoint = ${newValue(sql, 'checkpoint', checkpoint)}`);
}

function newValue(sql: Sql, column: 'output' | 'checkpoint', given: unknown) {
  return sql.unsafe(`${given === undefined ? 'stored' : 'excluded'}.${column}`);
}

async function insertEvents(
  { sql, run: send }: Transaction,
  owner: Owner,
  { id }: Run,
  events: readonly RunEvent[],
): Promise<void> {
  await send(sql`INSERT INTO agent_graphql.run_events (owner, run_id, seq, attempt, type, data, at)
    SELECT ${owner}, ${id}::uuid, seq, attempt, type, data, at
    FROM json_to_recordset(${JSON.stringify(events)}::text::json)
      AS events (seq integer, attempt integer, type text, data text, at timestamptz)`);
}
