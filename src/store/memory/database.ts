import { type Change, type Creation, payloadRunId, type ShownPayloads } from '../change.ts';
import type { AppliedMutation, Detail, EventChange, Mutation } from '../detail.ts';
import type { RunPayloads, RunState, RunStep } from '../execution.ts';
import { type Owner, ownedKey } from '../owner.ts';
import type { Run } from '../records.ts';
import type { Cursors } from '../rules/cursor.ts';
import { applyDeadline } from '../rules/execution/deadlines.ts';
import { isLeaseLost } from '../rules/execution/state.ts';
import { instant } from '../rules/identity.ts';
import type { LeaseTokens } from '../rules/lease-token.ts';
import type { EventLog } from './event-log.ts';
import { FinishedRuns } from './finished-runs.ts';
import { OwnerPartition } from './owner-partition.ts';
import { ReadyQueue } from './ready-queue.ts';
import { Schedule } from './schedule.ts';
import { stepMutation } from './step-mutation.ts';

/** The parts and callbacks of a database. */
export interface DatabaseOptions {
  /** Called with each mutation after it was applied. */
  readonly publish: (owner: Owner, mutation: AppliedMutation) => void;
  /** Called when a run can be claimed. */
  readonly onReady: (owner: Owner, graphId: string) => void;
  /** Called when a lease ended before its run did. */
  readonly onLeaseLost: () => void;
  readonly cursors: Cursors;
  readonly tokens: LeaseTokens;
  readonly events: EventLog;
  /** How long the events of a run are kept after its end, in milliseconds. */
  readonly eventRetention: number;
  /** How many bytes of events may be kept in memory. */
  readonly eventMemory: number;
  /** The current time, in milliseconds since 1970. */
  readonly now: () => number;
}

/** The most runs whose old events one sweep drops: after a long downtime there may be very many. */
const MAX_DROPS = 500;

/** The records of all owners: a partition for each, so that the size of one does not slow down another. */
export class Database {
  readonly #partitions = new Map<Owner, OwnerPartition>();
  readonly #options: DatabaseOptions;
  readonly #ready = new ReadyQueue();
  /** The runs in the queue, by owner and thread. */
  readonly #queued = new Map<string, { readonly graphId: string; readonly run: Run }>();
  readonly #schedule = new Schedule();
  readonly #finished = new FinishedRuns();
  readonly cursors: Cursors;
  readonly tokens: LeaseTokens;
  readonly events: EventLog;
  /** The current time, in milliseconds since 1970. */
  readonly now: () => number;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.cursors = options.cursors;
    this.tokens = options.tokens;
    this.events = options.events;
    this.now = options.now;
  }

  /** An owner's records, to be read only: for an owner without records, an empty partition that is not kept. */
  partition(owner: Owner): OwnerPartition {
    return this.#partitions.get(owner) ?? new OwnerPartition();
  }

  /**
   * Applies all changes of a mutation, then publishes them. They must follow from the partition's current state. What
   * belongs to a deleted record is deleted with it.
   */
  commit(
    owner: Owner,
    changes: readonly Change[],
    details: readonly Detail[] = [],
    events: readonly EventChange[] = [],
  ): void {
    const deletions = this.#deletionsWith(owner, changes);
    const mutation: Mutation = {
      changes,
      details: [...details, ...deletions],
      events: [...events, ...deletions.flatMap(deletedEvents)],
    };
    this.#change(owner, mutation, (partition) => {
      for (const change of changes) partition.apply(change);
      for (const detail of mutation.details) partition.applyDetail(detail);
    });
    for (const change of mutation.events) this.events.apply(owner, change);
    this.#noteFinished(owner, mutation);
    this.#options.publish(owner, { ...mutation, payloads: shownPayloads(this.partition(owner), changes) });
    this.#refreshQueue(owner, changes);
    if (events.some(({ appended }) => appended !== null)) this.#limitEvents();
  }

  /** Commits a step of a run. @param now milliseconds since 1970 */
  commitStep(owner: Owner, stored: RunState, step: RunStep, now: number): void {
    const { changes, details, events } = stepMutation(this.partition(owner), stored, step, now);
    this.commit(owner, changes, details, events);
  }

  /** Reverts the latest mutation that is not reverted yet. Nothing is published. */
  revert(owner: Owner, mutation: Mutation): void {
    this.#change(owner, mutation, (partition) => {
      for (const detail of mutation.details.toReversed()) partition.revertDetail(detail);
      for (const change of mutation.changes.toReversed()) partition.revert(change);
    });
  }

  /** Loads an owner's records and details that were stored earlier, in any order. Nothing is published. */
  load(owner: Owner, records: readonly Creation[], details: readonly Detail[] = []): void {
    const mutation = { changes: records, details, events: [] };
    this.#change(owner, mutation, (partition) => {
      for (const record of records) partition.apply(record);
      for (const detail of details) partition.applyDetail(detail);
    });
    this.#noteFinished(owner, mutation);
    this.#refreshQueue(owner, records);
  }

  /** The next run of some graphs that can be claimed. @param owner null for all: round robin over them */
  nextReady(
    graphIds: readonly string[],
    owner: Owner | null,
  ): { readonly owner: Owner; readonly run: Run } | null {
    return this.#ready.next(graphIds, owner);
  }

  /** Applies the deadlines and ends the delays that have passed, and drops old events. */
  sweep(): void {
    const now = this.now();
    for (let due = this.#schedule.takeDue(now); due !== null; due = this.#schedule.takeDue(now)) {
      const { owner, runId } = due;
      const partition = this.partition(owner);
      const stored = partition.storedRun(runId);
      if (stored === null) continue;
      const step = applyDeadline(stored, now);
      if (step === null) {
        // Its delay has ended.
        this.#refreshThread(owner, partition, stored.run.threadId);
        this.#schedule.addDeadline(owner, stored, now);
      } else {
        if (isLeaseLost(stored, now)) this.#options.onLeaseLost();
        this.commitStep(owner, stored, step, now);
      }
    }
    const limit = now - this.#options.eventRetention;
    for (let count = 0; count < MAX_DROPS; count++) {
      const old = this.#finished.takeFirst(limit);
      if (old === null) break;
      this.#dropEvents(old.owner, old.runId);
    }
  }

  /** Drops the events of the runs that ended first, while there are too many of all runs. */
  #limitEvents(): void {
    while (this.events.bytes > this.#options.eventMemory) {
      const oldest = this.#finished.takeFirst();
      if (oldest === null) return;
      this.#dropEvents(oldest.owner, oldest.runId);
    }
  }

  #dropEvents(owner: Owner, runId: string): void {
    const before = this.partition(owner).executions.get(runId);
    if (before === undefined || before.lastSeq === before.droppedSeq) return;
    const after = Object.freeze({ ...before, droppedSeq: before.lastSeq });
    this.commit(owner, [], [{ kind: 'execution', id: runId, before, after }], [{ runId, appended: null }]);
  }

  #deletionsWith(owner: Owner, changes: readonly Change[]): readonly Detail[] {
    const deleted = changes.filter(({ after }) => after === null);
    if (deleted.length === 0) return [];
    const partition = this.partition(owner);
    return deleted.flatMap(({ resource, before }) => partition.detailsOf({ resource, id: before?.id ?? '' }));
  }

  /** Changes a partition, and schedules the runs whose state changes. */
  #change(owner: Owner, mutation: Mutation, change: (partition: OwnerPartition) => void): void {
    let partition = this.#partitions.get(owner);
    if (partition === undefined) this.#partitions.set(owner, (partition = new OwnerPartition()));
    const before = new Map<string, RunState | null>();
    for (const id of changedRuns(mutation)) before.set(id, partition.stateOf(id));
    change(partition);
    for (const [id, state] of before) this.#schedule.replace(owner, state, partition.stateOf(id));
    if (partition.isEmpty) this.#partitions.delete(owner);
  }

  /** Notes the runs that have ended and have events, and those that have none any more. */
  #noteFinished(owner: Owner, { details }: Pick<Mutation, 'details'>): void {
    for (const detail of details) {
      if (detail.kind !== 'execution') continue;
      const { id, after } = detail;
      const finishedAt = this.partition(owner).runs.get(id)?.finishedAt ?? null;
      if (after === null) this.#finished.delete(owner, id);
      else if (finishedAt !== null && after.lastSeq > after.droppedSeq)
        this.#finished.add(owner, id, finishedAt);
    }
  }

  /** Puts the runs into the queue that can be claimed after these changes, and takes out those that cannot. */
  #refreshQueue(owner: Owner, changes: readonly Change[]): void {
    const threads = new Set<string>();
    const partition = this.partition(owner);
    for (const { resource, before, after } of changes) {
      if (resource === 'run') threads.add((after ?? before)?.threadId ?? '');
      else if (
        resource === 'assistant' &&
        before !== null &&
        after !== null &&
        before.graphId !== after.graphId
      ) {
        for (const run of partition.runsOfAssistant.get(after.id)?.activeRuns() ?? [])
          threads.add(run.threadId);
      }
    }
    for (const threadId of threads) this.#refreshThread(owner, partition, threadId);
  }

  #refreshThread(owner: Owner, partition: OwnerPartition, threadId: string): void {
    const key = ownedKey(owner, threadId);
    const head = partition.runsOfThread.get(threadId)?.head ?? null;
    const isReady = head?.availableAt != null && head.availableAt <= instant(this.now());
    if (head !== null && !isReady) this.#schedule.addDelay(owner, head);
    const graphId = isReady ? (partition.assistants.get(head.assistantId)?.graphId ?? null) : null;
    const queued = this.#queued.get(key);
    if (queued?.run.id === head?.id && queued?.graphId === graphId) return;
    if (queued !== undefined) {
      this.#ready.remove(queued.graphId, owner, queued.run);
      this.#queued.delete(key);
    }
    if (head === null || graphId === null) return;
    this.#ready.add(graphId, owner, head);
    this.#queued.set(key, { graphId, run: head });
    this.#options.onReady(owner, graphId);
  }
}

function shownPayloads(partition: OwnerPartition, changes: readonly Change[]): ShownPayloads {
  const shown = new Map<string, RunPayloads>();
  for (const change of changes) {
    const id = payloadRunId(change);
    const payloads = id === null ? undefined : partition.payloads.get(id);
    if (id !== null && payloads !== undefined) shown.set(id, payloads);
  }
  return shown;
}

function deletedEvents(detail: Detail): readonly EventChange[] {
  return detail.kind === 'execution' ? [{ runId: detail.id, appended: null }] : [];
}

function changedRuns({ changes, details }: Mutation): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const { resource, before, after } of changes) {
    if (resource === 'run') ids.add((after ?? before)?.id ?? '');
  }
  for (const { kind, id } of details) if (kind === 'execution') ids.add(id);
  return ids;
}
