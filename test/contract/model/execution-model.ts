import type { Owner } from '../../../src/store/owner.ts';
import type { CancelAction, MultitaskStrategy, Run, RunStatus, Thread } from '../../../src/store/records.ts';
import { existing } from '../../support/records.ts';
import { THREAD_AFTER } from '../status-table.ts';
import type { End } from './execution-commands.ts';

/** A run as the model has it: times in milliseconds, payloads as numbers. */
export interface ModelRun {
  readonly id: string;
  readonly owner: Owner;
  readonly threadId: string;
  readonly assistantId: string;
  readonly createdAt: string;
  readonly maxAttempts: number;
  readonly timeoutSeconds: number | null;
  readonly resumes: string | null;
  status: RunStatus;
  ended: number | null;
  attempt: number;
  availableAt: number | null;
  startedAt: number | null;
  finishedAt: number | null;
  cancelRequestedAt: number | null;
  cancelAction: CancelAction | null;
  worker: string | null;
  /** How often it was given to a worker. */
  claims: number;
  lease: { readonly holder: Owner; readonly seconds: number; readonly endsAt: number } | null;
  checkpoint: number | null;
  output: number | null;
  /** `attempt type` of each event. */
  readonly events: string[];
  /** How many events of the latest claim are stored. */
  stored: number;
  /** The end that the latest claim reported, and what came of it. */
  reported: { readonly end: string; readonly status: RunStatus } | null;
}

/** A lease that was given, whatever has become of it. */
export interface ModelLease {
  readonly token: string;
  readonly runId: string;
  readonly holder: Owner;
  readonly claim: number;
}

/** What a call with a lease is answered. */
export interface ModelState {
  readonly held: boolean;
  readonly leaseSeconds: number;
  readonly cancel: CancelAction | null;
  readonly storedEvents: number;
}

const LOST: ModelState = { held: false, leaseSeconds: 0, cancel: null, storedEvents: 0 };

/** Runs, and what workers do to them, in plain maps: each answer looks at everything anew. */
export class ExecutionModel {
  readonly runs = new Map<string, ModelRun>();
  /** The owner of each thread. */
  readonly threads = new Map<string, Owner>();
  /** The graph of each assistant. */
  readonly graphs = new Map<string, string>();
  /** What each key of an owner made, and of which input. */
  readonly keys = new Map<string, { readonly runId: string; readonly input: string }>();
  readonly leases: ModelLease[] = [];
  now = 0;

  runsOf(threadId: string): readonly ModelRun[] {
    return [...this.runs.values()].filter((run) => run.threadId === threadId);
  }

  activeOf(threadId: string): readonly ModelRun[] {
    return this.runsOf(threadId).filter(isActive).toSorted(byCreation);
  }

  /** What follows from the runs of a thread. */
  threadState(threadId: string): Pick<Thread, 'status' | 'valuesRunId'> {
    const ended = this.#endedOf(threadId);
    const last = ended.at(-1);
    const status =
      this.activeOf(threadId).length > 0 ? 'BUSY' : last === undefined ? 'IDLE' : THREAD_AFTER[last.status];
    return { status, valuesRunId: ended.findLast(({ output }) => output !== null)?.id ?? null };
  }

  /** The runs that a worker can be given now. @param of whose. Null for all. */
  claimable(of: Owner | null, graphIds: readonly string[]): readonly ModelRun[] {
    const heads = [...this.threads.keys()].flatMap((threadId) => this.#headOf(threadId) ?? []);
    return heads
      .filter(
        ({ owner, availableAt }) => (of === null || owner === of) && (availableAt ?? Infinity) <= this.now,
      )
      .filter(({ assistantId }) => graphIds.includes(existing(this.graphs.get(assistantId))))
      .toSorted(byCreation);
  }

  create(created: Run, owner: Owner, strategy: MultitaskStrategy): void {
    const { id, threadId, assistantId, createdAt, maxAttempts, timeoutSeconds, resumes, availableAt } =
      created;
    if (strategy === 'INTERRUPT' || strategy === 'ROLLBACK') {
      for (const run of this.activeOf(threadId)) this.cancel(run, strategy);
    }
    this.threads.set(threadId, owner);
    this.runs.set(id, {
      id,
      owner,
      threadId,
      assistantId,
      createdAt,
      maxAttempts,
      timeoutSeconds,
      resumes,
      status: 'PENDING',
      ended: null,
      attempt: 0,
      availableAt: Date.parse(existing(availableAt)),
      startedAt: null,
      finishedAt: null,
      cancelRequestedAt: null,
      cancelAction: null,
      worker: null,
      claims: 0,
      lease: null,
      checkpoint: null,
      output: null,
      events: [],
      stored: 0,
      reported: null,
    });
  }

  delete(run: ModelRun): void {
    this.runs.delete(run.id);
    for (const [key, { runId }] of this.keys) if (runId === run.id) this.keys.delete(key);
  }

  /** Why a run cannot be resumed; null when it can. */
  refuseResumption(run: ModelRun | undefined, threadId: string | null): string | null {
    if (run === undefined) return 'NOT_FOUND resumes';
    const isLast = run.threadId === threadId && this.#endedOf(run.threadId).at(-1) === run;
    const isAnswered = this.activeOf(run.threadId).some(({ resumes }) => resumes === run.id);
    return isLast && run.status === 'INTERRUPTED' && !isAnswered ? null : 'CONFLICT resumes';
  }

  isHeld({ worker, lease }: ModelRun): boolean {
    return worker !== null && lease !== null && lease.endsAt > this.now;
  }

  cancel(run: ModelRun, action: CancelAction): void {
    if (!isActive(run)) return;
    run.cancelRequestedAt ??= this.now;
    if (run.cancelAction !== 'ROLLBACK') run.cancelAction = action;
    if (!this.isHeld(run)) this.end(run, 'CANCELLED', null);
  }

  end(run: ModelRun, status: RunStatus, output: number | null): void {
    const isDropped = status === 'CANCELLED' && run.cancelAction === 'ROLLBACK';
    if (isDropped) run.checkpoint = null;
    const leaves = ['SUCCESS', 'INTERRUPTED', 'CANCELLED'].includes(status);
    run.output = leaves ? (output ?? run.checkpoint) : null;
    run.ended = (this.#endedOf(run.threadId).at(-1)?.ended ?? 0) + 1;
    Object.assign(run, { status, worker: null, availableAt: null, finishedAt: this.now, lease: null });
    const type = status === 'ERROR' || status === 'TIMEOUT' ? 'RUN_ERROR' : 'RUN_FINISHED';
    if (run.claims > 0) run.events.push(`${run.attempt} ${type}`);
  }

  claim(run: ModelRun, token: string, holder: Owner, worker: string, seconds: number): void {
    Object.assign(run, { status: 'RUNNING', availableAt: null, worker, stored: 0, reported: null });
    run.attempt++;
    run.claims++;
    run.startedAt ??= this.now;
    run.lease = { holder, seconds, endsAt: this.now + seconds * 1_000 };
    run.events.push(`${run.attempt} RUN_STARTED`);
    this.leases.push({ token, runId: run.id, holder, claim: run.claims });
  }

  /** The run of a lease that is still good. */
  runOf({ runId, claim }: ModelLease): ModelRun | null {
    const run = this.runs.get(runId);
    return run !== undefined && isActive(run) && run.claims === claim && run.lease !== null ? run : null;
  }

  /** Renews a lease, and what it is answered then. */
  renew(lease: ModelLease, seconds: number | null, wait: number): ModelState {
    const run = this.runOf(lease);
    if (run === null || run.lease === null) return LOST;
    const wanted = this.now + ((seconds ?? run.lease.seconds) + wait) * 1_000;
    const endsAt = seconds === null ? Math.max(run.lease.endsAt, wanted) : wanted;
    run.lease = { ...run.lease, seconds: seconds ?? run.lease.seconds, endsAt };
    Object.assign(run, { worker: run.lease.holder, availableAt: null });
    const leaseSeconds = Math.floor((endsAt - this.now) / 1_000);
    return { held: true, leaseSeconds, cancel: run.cancelAction, storedEvents: run.stored };
  }

  finish(lease: ModelLease, end: End): { readonly accepted: boolean; readonly status: RunStatus | null } {
    const stored = this.runs.get(lease.runId);
    if (stored === undefined) return { accepted: false, status: null };
    const text = JSON.stringify(end);
    if (stored.claims === lease.claim && stored.reported?.end === text) {
      return { accepted: true, status: stored.reported.status };
    }
    const run = this.runOf(lease);
    if (run === null) return { accepted: false, status: stored.status };
    if (!end.retry) this.end(run, end.status, end.output);
    else if (run.cancelAction !== null) this.end(run, 'CANCELLED', null);
    else if (run.attempt >= run.maxAttempts) this.end(run, 'ERROR', null);
    else this.#giveBack(run, end.retryAfterSeconds ?? pauseAfter(run.attempt));
    run.lease = null;
    run.reported = { end: text, status: run.status };
    return { accepted: true, status: run.status };
  }

  release(lease: ModelLease): void {
    const run = this.runOf(lease);
    if (run === null) return;
    if (run.cancelAction !== null) return this.end(run, 'CANCELLED', null);
    run.attempt--;
    run.lease = null;
    this.#giveBack(run, 0);
  }

  /** Does what is due, the earliest first. */
  sweep(): void {
    for (const run of this.runs.values()) {
      while (this.#doDue(run));
    }
  }

  #doDue(run: ModelRun): boolean {
    if (!isActive(run)) return false;
    const { cancelRequestedAt, startedAt, timeoutSeconds, lease, worker } = run;
    const cancellation = cancelRequestedAt === null ? Infinity : cancelRequestedAt + 15_000;
    const timeout =
      startedAt === null || timeoutSeconds === null ? Infinity : startedAt + timeoutSeconds * 1_000;
    const leaseEnd = worker === null || lease === null ? Infinity : lease.endsAt;
    const due = Math.min(cancellation, timeout, leaseEnd);
    if (due > this.now) return false;
    if (due === cancellation || (due === leaseEnd && cancelRequestedAt !== null))
      this.end(run, 'CANCELLED', null);
    else if (due === timeout) this.end(run, 'TIMEOUT', null);
    else if (run.attempt >= run.maxAttempts) this.end(run, 'ERROR', null);
    else this.#giveBack(run, pauseAfter(run.attempt));
    return true;
  }

  #giveBack(run: ModelRun, seconds: number): void {
    Object.assign(run, { worker: null, availableAt: this.now + seconds * 1_000 });
  }

  /** The run of a thread that is executed next; null while one is, and where none waits. */
  #headOf(threadId: string): ModelRun | null {
    const active = this.activeOf(threadId);
    if (active.some(({ availableAt }) => availableAt === null)) return null;
    const begun = active.find(({ status }) => status === 'RUNNING');
    return begun ?? active.toSorted((a, b) => (a.availableAt ?? 0) - (b.availableAt ?? 0))[0] ?? null;
  }

  #endedOf(threadId: string): readonly ModelRun[] {
    const ended = this.runsOf(threadId).filter((run) => run.ended !== null);
    return ended.toSorted((a, b) => (a.ended ?? 0) - (b.ended ?? 0));
  }
}

export function isActive({ status }: Pick<Run, 'status'>): boolean {
  return status === 'PENDING' || status === 'RUNNING';
}

function pauseAfter(attempt: number): number {
  return [1, 2, 4, 8, 16, 32][attempt - 1] ?? 60;
}

function byCreation(a: ModelRun, b: ModelRun): number {
  return `${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}` ? -1 : 1;
}
