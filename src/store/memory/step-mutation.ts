import type { Change } from '../change.ts';
import type { Detail, EventChange, Mutation } from '../detail.ts';
import {
  type Execution,
  NO_EXECUTION,
  NO_PAYLOADS,
  type PayloadChange,
  type RunPayloads,
  type RunState,
  type RunStep,
} from '../execution.ts';
import type { Run } from '../records.ts';
import { threadChange } from '../rules/thread.ts';
import type { OwnerPartition } from './owner-partition.ts';

/** Everything that a step of a run changes: the run, its thread, and what belongs to it. */
export function stepMutation(
  partition: OwnerPartition,
  stored: RunState,
  step: RunStep,
  now: number,
): Mutation {
  const changes = step.run === stored.run ? [] : runChanges(partition, stored.run, step.run, now);
  return { changes, ...stepDetails(partition, stored, step) };
}

/** The change of a run, and that of its thread where that follows it. */
export function runChanges(
  partition: OwnerPartition,
  before: Run | null,
  after: Run | null,
  now: number,
): readonly Change[] {
  const threadId = (after ?? before)?.threadId ?? '';
  const change: Change = { resource: 'run', before, after };
  const thread = partition.threads.get(threadId);
  if (thread === null) return [change];
  const state = partition.runsOf(threadId).stateAfter(before, after, thread.valuesRunId);
  return [change, ...threadChange(thread, state, now)];
}

/** What a step changes besides records. */
export function stepDetails(
  partition: OwnerPartition,
  stored: RunState,
  { run, execution, events, payloads }: RunStep,
): { readonly details: readonly Detail[]; readonly events: readonly EventChange[] } {
  const { id } = run;
  const details: Detail[] = [];
  if (execution !== stored.execution) {
    const after = execution === NO_EXECUTION ? null : execution;
    details.push({ kind: 'execution', id, before: knownExecution(stored.execution), after });
  }
  if (payloads !== null) {
    const before = partition.payloads.get(id) ?? null;
    details.push({ kind: 'payloads', id, before, after: withPayloads(before ?? NO_PAYLOADS, payloads) });
  }
  return { details, events: events.length === 0 ? [] : [{ runId: id, appended: { run, events } }] };
}

function knownExecution(execution: Execution): Execution | null {
  return execution === NO_EXECUTION ? null : execution;
}

function withPayloads(stored: RunPayloads, { output, checkpoint }: PayloadChange): RunPayloads {
  return Object.freeze({
    input: stored.input,
    output: output === undefined ? stored.output : typeof output === 'string' ? output : stored.checkpoint,
    checkpoint: checkpoint === undefined ? stored.checkpoint : checkpoint,
  });
}
