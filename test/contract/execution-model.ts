import { deepStrictEqual, ok } from 'node:assert/strict';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { asOwner as owner, type Owner } from '../../src/store/owner.ts';
import type { Claim, LeaseState } from '../../src/store/queue.ts';
import type { NewRun, Run, RunStatus } from '../../src/store/records.ts';
import type { Stores } from '../../src/store/stores.ts';
import { type Bench, type OpenStores, refusalsOf, valueOf, withBench } from '../support/bench.ts';
import { type CaseCount, cases } from '../support/random.ts';
import { existing, makeAssistant, makeThread } from '../support/records.ts';
import { everythingOf } from '../support/walk.ts';
import { claim, eventsOf, finish, heartbeat } from '../support/worker.ts';
import { followChanges } from './follow-changes.ts';
import {
  type End,
  type ExecutionCommand,
  executionCommands,
  GRAPHS,
  type Worker,
} from './model/execution-commands.ts';
import {
  ExecutionModel,
  isActive,
  type ModelLease,
  type ModelRun,
  type ModelState,
} from './model/execution-model.ts';

/** Whose runs are executed. */
export const OWNERS = ['alice', 'bob', 'carol'].map(owner);
/** Whose token lets it claim runs of every owner. */
const OPERATOR = owner('operator');

/**
 * Random commands of several owners and workers: the stores must do what plain maps do, and at the end every run can be
 * brought to an end.
 * @param scripts how many scripts of commands are run
 * @param parameters a seed and a path run again what failed
 */
export function testExecutionAgainstModel(
  name: string,
  open: OpenStores,
  scripts: Readonly<Record<CaseCount, number>> = { some: 60, all: 400 },
  parameters: fc.Parameters<[readonly ExecutionCommand[]]> = {},
): void {
  it(`${name} should execute runs as maps would`, async () => {
    const ends = new Set<RunStatus>();
    await fc.assert(
      fc.asyncProperty(executionCommands(OWNERS), (script) =>
        withBench(open, async (bench) => {
          const player = new Player(bench);
          await player.begin();
          for (const command of script) await player.play(command);
          for (const status of await player.drain()) ends.add(status);
        }),
      ),
      { numRuns: cases(scripts), ...parameters },
    );
    expect([...ends].toSorted()).toStrictEqual(['CANCELLED', 'ERROR', 'INTERRUPTED', 'SUCCESS', 'TIMEOUT']);
  });
}

/** Gives commands to stores and to the model, and compares what they answer and what they have then. */
export class Player {
  readonly #bench: Bench;
  readonly #model = new ExecutionModel();
  /** Records as they were published last. */
  readonly #known = new Map<string, object>();
  readonly #threads = new Map<Owner, string[]>();
  readonly #assistants = new Map<Owner, string[]>();

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  get #stores(): Stores {
    return this.#bench.stores;
  }

  /** Two threads and two assistants of each owner. */
  async begin(): Promise<void> {
    for (const one of OWNERS) {
      for (const graphId of GRAPHS) {
        const thread = await makeThread(this.#stores, one);
        const assistant = await makeAssistant(this.#stores, one, { graphId });
        this.#model.threads.set(thread.id, one);
        this.#model.graphs.set(assistant.id, graphId);
        this.#threads.set(one, [...(this.#threads.get(one) ?? []), thread.id]);
        this.#assistants.set(one, [...(this.#assistants.get(one) ?? []), assistant.id]);
      }
    }
    await this.#compare();
  }

  async play(command: ExecutionCommand): Promise<void> {
    this.#model.now = this.#bench.clock.now;
    await this.#run(command);
    await this.#compare();
  }

  /** Ends everything: no run waits for ever. Returns how the runs have ended. */
  async drain(): Promise<readonly RunStatus[]> {
    for (let round = 0; [...this.#model.runs.values()].some(isActive); round++) {
      ok(round < 200, 'There is a run that never comes to its turn.');
      await this.play({ type: 'pass', milliseconds: 61_000 });
      const before = this.#model.leases.length;
      await this.play({ type: 'claim', worker: 'all', graphIds: GRAPHS, max: 5, leaseSeconds: 30 });
      const end: End = { status: 'SUCCESS', output: null, retry: false, retryAfterSeconds: null };
      for (let lease = before; lease < this.#model.leases.length; lease++) {
        await this.play({ type: 'finish', lease, end });
      }
      // Whoever has no workers moves runs by hand, and must do so to the end.
      for (const { id, owner: of, status, worker, availableAt } of this.#model.runs.values()) {
        if (status !== 'RUNNING' || worker !== null || availableAt !== null) continue;
        const run = this.#indexOf(of, id);
        await this.play({ type: 'updateRun', owner: of, run, status: 'SUCCESS' });
      }
    }
    return [...this.#model.runs.values()].map(({ status }) => status);
  }

  async #run(command: ExecutionCommand): Promise<void> {
    switch (command.type) {
      case 'pass':
        return this.#pass(command.milliseconds);
      case 'createRun':
        return this.#createRun(command);
      case 'updateRun':
        return this.#updateRun(command);
      case 'cancelRun': {
        const run = this.#runOf(command.owner, command.run);
        if (run === undefined) return;
        this.#model.cancel(run, command.action);
        this.#expectRun(await this.#stores.runs.cancel(run.owner, run.id, command.action), run);
        return;
      }
      case 'deleteRun': {
        const run = this.#runOf(command.owner, command.run);
        if (run === undefined) return;
        const outcome = await this.#stores.runs.delete(run.owner, run.id);
        deepStrictEqual(refusalsOf(outcome), isActive(run) ? ['CONFLICT id'] : []);
        if (!isActive(run)) this.#model.delete(run);
        return;
      }
      case 'deleteThread': {
        const ids = existing(this.#threads.get(command.owner));
        const id = existing(ids[command.thread % ids.length]);
        valueOf(await this.#stores.threads.delete(command.owner, id));
        for (const run of this.#model.runsOf(id)) this.#model.delete(run);
        this.#model.threads.delete(id);
        const { id: next } = await makeThread(this.#stores, command.owner);
        this.#model.threads.set(next, command.owner);
        ids.splice(ids.indexOf(id), 1, next);
        return;
      }
      case 'moveAssistant': {
        const id = this.#assistantOf(command.owner, command.assistant);
        valueOf(await this.#stores.assistants.update(command.owner, id, { graphId: command.graphId }));
        this.#model.graphs.set(id, command.graphId);
        return;
      }
      case 'claim':
        return this.#claim(command);
      default:
        return this.#useLease(command);
    }
  }

  async #pass(milliseconds: number): Promise<void> {
    this.#bench.clock.now += milliseconds;
    // Two things of one run may be due, and a store may do one of them at a time.
    await this.#bench.sweep();
    await this.#bench.sweep();
    this.#model.now = this.#bench.clock.now;
    const active = [...this.#model.runs.values()].filter(({ ended }) => ended === null);
    this.#model.sweep();
    await this.#adoptOrder(active.filter(({ ended }) => ended !== null));
  }

  /** Takes over in which order the runs of a thread have ended that one sweep has ended: stores differ in it. */
  async #adoptOrder(runs: readonly ModelRun[]): Promise<void> {
    const expected = runs.map(({ threadId, ended }) => `${threadId} ${ended}`);
    for (const run of runs) run.ended = existing(await this.#stores.runs.get(run.owner, run.id)).ended;
    const actual = runs.map(({ threadId, ended }) => `${threadId} ${ended}`);
    deepStrictEqual(actual.toSorted(), expected.toSorted());
  }

  async #createRun(command: Extract<ExecutionCommand, { type: 'createRun' }>): Promise<void> {
    const { owner: of, strategy, delaySeconds, timeoutSeconds, maxAttempts, key, resumes } = command;
    const ids = existing(this.#threads.get(of));
    const threadId = command.thread === null ? null : existing(ids[command.thread % ids.length]);
    const resumed = resumes === null ? undefined : this.#runOf(of, resumes);
    const input: NewRun = {
      threadId,
      assistantId: this.#assistantOf(of, command.assistant),
      multitaskStrategy: strategy,
      delaySeconds,
      timeoutSeconds,
      maxAttempts,
      resumes: resumed?.id ?? null,
    };
    const outcome = await this.#stores.runs.create(of, { ...input, idempotencyKey: key });
    const made = key === null ? undefined : this.#model.keys.get(`${of} ${key}`);
    if (made !== undefined) {
      if (made.input !== JSON.stringify(input))
        return deepStrictEqual(refusalsOf(outcome), ['CONFLICT idempotencyKey']);
      this.#expectRun(valueOf(outcome), existing(this.#model.runs.get(made.runId)));
      return ok('replayed' in outcome && outcome.replayed);
    }
    const isParallel = threadId !== null && this.#model.activeOf(threadId).length > 0;
    const refusals = [
      ...(resumed === undefined ? [] : [this.#model.refuseResumption(resumed, threadId)]),
      strategy === 'REJECT' && isParallel ? 'CONFLICT threadId' : null,
    ].filter((refusal) => refusal !== null);
    deepStrictEqual(refusalsOf(outcome), refusals.slice(0, 1));
    if (refusals.length > 0) return;
    ok('replayed' in outcome && !outcome.replayed);
    const run = valueOf(outcome);
    deepStrictEqual(Date.parse(existing(run.availableAt)), this.#model.now + delaySeconds * 1_000);
    this.#model.create(run, of, strategy);
    if (threadId === null) ids.push(run.threadId);
    if (key !== null) this.#model.keys.set(`${of} ${key}`, { runId: run.id, input: JSON.stringify(input) });
  }

  async #updateRun({
    owner: of,
    run: index,
    status,
  }: Extract<ExecutionCommand, { type: 'updateRun' }>): Promise<void> {
    const run = this.#runOf(of, index);
    if (run === undefined) return;
    const outcome = await this.#stores.runs.update(of, run.id, { status });
    const isBack = !isActive(run) || (status === 'PENDING' && run.status === 'RUNNING');
    const isRefused = status !== run.status && (isBack || this.#model.isHeld(run));
    deepStrictEqual(refusalsOf(outcome), isRefused ? ['CONFLICT status'] : []);
    if (isRefused || status === run.status) return;
    if (isActive({ status })) Object.assign(run, { status, availableAt: null, startedAt: this.#model.now });
    else this.#model.end(run, status, null);
  }

  async #claim(command: Extract<ExecutionCommand, { type: 'claim' }>): Promise<void> {
    const { worker, graphIds, max, leaseSeconds } = command;
    const of = worker === 'all' ? null : worker;
    const holder = ownerOf(worker);
    const claimable = this.#model.claimable(of, graphIds);
    const request = { allOwners: of === null, name: holder, graphIds, max, leaseSeconds };
    const claims = await claim(this.#stores, holder, request);
    deepStrictEqual(claims.length, Math.min(max, claimable.length));
    expectTurns(claims, claimable);
    for (const { lease, run } of claims) {
      const expected = existing(this.#model.runs.get(run.id));
      this.#model.claim(expected, lease, holder, holder, leaseSeconds);
      this.#expectRun(run, expected);
    }
    for (const given of claims) this.#expectClaim(given, existing(this.#model.runs.get(given.run.id)));
  }

  async #useLease(command: Extract<ExecutionCommand, { readonly lease: number }>): Promise<void> {
    const lease = this.#model.leases[command.lease % Math.max(this.#model.leases.length, 1)];
    if (lease === undefined) return;
    const { token, holder } = lease;
    const { queue } = this.#stores;
    switch (command.type) {
      case 'heartbeat': {
        const { leaseSeconds, waitSeconds } = command;
        const expected = this.#model.renew(lease, leaseSeconds, waitSeconds);
        return expectState(
          await heartbeat(this.#stores, holder, token, { leaseSeconds, waitSeconds }),
          expected,
        );
      }
      case 'append':
        return this.#append(lease, command.shift, command.count);
      case 'checkpoint': {
        const expected = this.#model.renew(lease, null, 0);
        const run = this.#model.runOf(lease);
        if (run !== null) run.checkpoint = command.value;
        const values = { n: command.value };
        return expectState(valueOf(await queue.checkpoint(holder, { lease: token, values })), expected);
      }
      case 'finish':
        return this.#finish(lease, command.end);
      case 'release':
        this.#model.release(lease);
        return expectState(
          existing((await queue.release(holder, [token]))[0]),
          this.#model.renew(lease, null, 0),
        );
    }
  }

  async #append(lease: ModelLease, shift: number, count: number): Promise<void> {
    const run = this.#model.runOf(lease);
    const offset = Math.max(0, (run?.stored ?? 0) + shift);
    const events = Array.from({ length: count }, (_, index) => ({ type: `E${offset + index}`, data: {} }));
    const request = { lease: lease.token, offset, events };
    const { lease: state, refusals } = await this.#stores.queue.appendEvents(lease.holder, request);
    const isGap = run !== null && offset > run.stored;
    deepStrictEqual(
      refusals.map(({ code, key }) => `${code} ${key}`),
      isGap ? ['CONFLICT offset'] : [],
    );
    if (run !== null && !isGap) {
      const fresh = events.slice(run.stored - offset);
      run.events.push(...fresh.map(({ type }) => `${run.attempt} ${type}`));
      run.stored += fresh.length;
    }
    expectState(existing(state), this.#model.renew(lease, null, 0));
  }

  async #finish(lease: ModelLease, end: End): Promise<void> {
    const { status, output, retry, retryAfterSeconds } = end;
    const isFailure = status === 'ERROR' || status === 'TIMEOUT';
    const result = await finish(this.#stores, lease.holder, lease.token, {
      status,
      output: output === null ? null : { n: output },
      error: isFailure ? { code: 'E', message: '' } : null,
      retry,
      retryAfterSeconds,
    });
    deepStrictEqual(result, this.#model.finish(lease, end));
  }

  /** Compares all that there is, and what was published since the last time. */
  async #compare(): Promise<void> {
    followChanges(this.#bench.published, this.#known);
    for (const one of OWNERS) {
      const { threads, runs } = await everythingOf(this.#stores, one);
      const expected = [...this.#model.runs.values()].filter((run) => run.owner === one);
      deepStrictEqual(new Set(runs.map(({ id }) => id)), new Set(expected.map(({ id }) => id)));
      for (const run of runs) {
        this.#expectRun(run, existing(this.#model.runs.get(run.id)));
        deepStrictEqual(run, this.#known.get(run.id));
        await this.#expectRest(existing(this.#model.runs.get(run.id)));
      }
      for (const thread of threads) {
        const { status, valuesRunId } = thread;
        deepStrictEqual({ status, valuesRunId }, this.#model.threadState(thread.id));
        deepStrictEqual(thread, this.#known.get(thread.id));
        ok(
          runs.filter((run) => run.threadId === thread.id && run.worker !== null).length <= 1,
          'One at a time.',
        );
      }
    }
  }

  async #expectRest({ owner: of, id, output, checkpoint, events }: ModelRun): Promise<void> {
    const { runs } = this.#stores;
    deepStrictEqual(await runs.payload(of, id, 'output'), textOf(output));
    deepStrictEqual(await runs.payload(of, id, 'checkpoint'), textOf(checkpoint));
    deepStrictEqual(
      await eventsOf(this.#stores, of, id),
      events.map((event, index) => `${index + 1} ${event}`),
    );
  }

  #expectRun(run: Run | null, expected: ModelRun): void {
    const { status, ended, attempt, worker, hasOutput, hasCheckpoint, resumes } = existing(run);
    const { availableAt, startedAt, finishedAt, cancelRequestedAt } = existing(run);
    deepStrictEqual(
      {
        status,
        ended,
        attempt,
        worker,
        hasOutput,
        hasCheckpoint,
        resumes,
        availableAt,
        startedAt,
        finishedAt,
        cancelRequestedAt,
      },
      {
        status: expected.status,
        ended: expected.ended,
        attempt: expected.attempt,
        worker: expected.worker,
        hasOutput: expected.output !== null,
        hasCheckpoint: expected.checkpoint !== null,
        resumes: expected.resumes,
        availableAt: timeOf(expected.availableAt),
        startedAt: timeOf(expected.startedAt),
        finishedAt: timeOf(expected.finishedAt),
        cancelRequestedAt: timeOf(expected.cancelRequestedAt),
      },
    );
  }

  #expectClaim(
    { owner: of, leaseSeconds, assistant, values, checkpoint, secondsLeft }: Claim,
    run: ModelRun,
  ): void {
    deepStrictEqual(of, run.owner);
    deepStrictEqual(leaseSeconds, run.lease?.seconds);
    deepStrictEqual(assistant.graphId, this.#model.graphs.get(run.assistantId));
    const { valuesRunId } = this.#model.threadState(run.threadId);
    const from = valuesRunId === null ? null : existing(this.#model.runs.get(valuesRunId)).output;
    deepStrictEqual(values, textOf(from));
    deepStrictEqual(checkpoint, textOf(run.checkpoint));
    const { startedAt, timeoutSeconds } = run;
    const left = ((startedAt ?? 0) - this.#model.now) / 1_000 + (timeoutSeconds ?? 0);
    deepStrictEqual(secondsLeft, timeoutSeconds === null ? null : Math.floor(left));
  }

  #runOf(of: Owner, index: number): ModelRun | undefined {
    const runs = [...this.#model.runs.values()].filter((run) => run.owner === of);
    return runs[index % Math.max(runs.length, 1)];
  }

  #indexOf(of: Owner, id: string): number {
    return [...this.#model.runs.values()].filter((run) => run.owner === of).findIndex((run) => run.id === id);
  }

  #assistantOf(of: Owner, index: number): string {
    const ids = existing(this.#assistants.get(of));
    return existing(ids[index % ids.length]);
  }
}

function ownerOf(worker: Worker): Owner {
  return worker === 'all' ? OPERATOR : worker;
}

/** Of each owner those that were created first, and of no owner two more than of another who has more. */
function expectTurns(claims: readonly Claim[], claimable: readonly ModelRun[]): void {
  const given = OWNERS.map((one) =>
    claims.filter((claimed) => claimed.owner === one).map(({ run }) => run.id),
  );
  const waiting = OWNERS.map((one) => claimable.filter((run) => run.owner === one).map(({ id }) => id));
  for (const [index, ids] of given.entries()) deepStrictEqual(ids, waiting[index]?.slice(0, ids.length));
  const most = Math.max(...given.map(({ length }) => length));
  for (const [index, ids] of given.entries()) {
    ok(ids.length === waiting[index]?.length || ids.length >= most - 1, 'Owners take turns.');
  }
}

function expectState(state: LeaseState, { held, leaseSeconds, cancel, storedEvents }: ModelState): void {
  deepStrictEqual(state, { lease: state.lease, held, leaseSeconds, cancel, storedEvents });
}

function textOf(value: number | null): string | null {
  return value === null ? null : JSON.stringify({ n: value });
}

function timeOf(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
