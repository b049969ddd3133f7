import { deepStrictEqual, ok } from 'node:assert/strict';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Owner } from '../../src/store/owner.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import type { Run, RunStatus, Thread } from '../../src/store/records.ts';
import type { Stores } from '../../src/store/stores.ts';
import { type Bench, type OpenStores, valueOf, withBench } from '../support/bench.ts';
import { type CaseCount, cases } from '../support/random.ts';
import { existing, makeAssistant, makeThread } from '../support/records.ts';
import { everythingOf, idsOf } from '../support/walk.ts';
import { claim, eventsOf, finish, heartbeat } from '../support/worker.ts';
import { followChanges } from './follow-changes.ts';
import { type ExecutionCommand, executionCommands, GRAPHS } from './model/execution-commands.ts';
import { isActive } from './model/execution-model.ts';
import { THREAD_AFTER } from './status-table.ts';

const OWNERS = ['alice', 'bob'].map(owner);
const OPERATOR = owner('operator');
/** How many commands are given at once. */
const AT_ONCE = 5;

/**
 * Random commands, several at once: whatever comes first, what must always hold does.
 * @param scripts how many scripts of commands are run
 * @param parameters a seed and a path run again what failed
 */
export function testExecutionLaws(
  name: string,
  open: OpenStores,
  scripts: Readonly<Record<CaseCount, number>> = { some: 20, all: 200 },
  parameters: fc.Parameters<[readonly ExecutionCommand[]]> = {},
): void {
  it(`${name} should keep the laws of executed runs when many work at once`, async () => {
    const ends = new Set<RunStatus>();
    await fc.assert(
      fc.asyncProperty(executionCommands(OWNERS), (script) =>
        withBench(open, async (bench) => {
          const crowd = new Crowd(bench);
          await crowd.begin();
          for (let start = 0; start < script.length; start += AT_ONCE) {
            await crowd.playAtOnce(script.slice(start, start + AT_ONCE));
          }
          for (const status of await crowd.drain()) ends.add(status);
        }),
      ),
      { numRuns: cases(scripts), ...parameters },
    );
    // What is random has not passed all of it by.
    expect(ends.size).toBeGreaterThan(2);
  });
}

/** A run that was given to a worker. */
interface Given {
  readonly lease: string;
  readonly holder: Owner;
  readonly runId: string;
  sent: number;
}

/** Clients and workers who do not wait for each other. */
class Crowd {
  readonly #bench: Bench;
  readonly #stores: Stores;
  readonly #threads = new Map<Owner, string[]>();
  readonly #assistants = new Map<Owner, readonly string[]>();
  /** The ids of the runs that there have been. */
  readonly #runs = new Map<Owner, string[]>();
  /** The runs that were created with a key, by owner and key. */
  readonly #keyed = new Map<string, string[]>();
  readonly #given: Given[] = [];
  /** Records as they were published last. */
  readonly #known = new Map<string, object>();

  constructor(bench: Bench) {
    this.#bench = bench;
    this.#stores = bench.stores;
  }

  async begin(): Promise<void> {
    for (const one of OWNERS) {
      const assistants: string[] = [];
      for (const graphId of GRAPHS) assistants.push((await makeAssistant(this.#stores, one, { graphId })).id);
      this.#assistants.set(one, assistants);
      this.#threads.set(one, [
        (await makeThread(this.#stores, one)).id,
        (await makeThread(this.#stores, one)).id,
      ]);
      this.#runs.set(one, []);
    }
  }

  /** Starts all commands before any of them has answered, then looks whether all laws hold. */
  async playAtOnce(commands: readonly ExecutionCommand[]): Promise<void> {
    await Promise.all(commands.map((command) => this.#play(command)));
    await this.#check();
  }

  /** Ends everything: no run waits for ever. Returns how the runs have ended. */
  async drain(): Promise<readonly RunStatus[]> {
    for (let round = 0; ; round++) {
      const runs = await this.#check();
      if (!runs.some(isActive)) return runs.map(({ status }) => status);
      ok(round < 200, 'There is a run that never comes to its turn.');
      await this.#bench.pass(61);
      await this.#bench.sweep();
      const claims = await claim(this.#stores, OPERATOR, { allOwners: true, graphIds: GRAPHS, max: 50 });
      await Promise.all(claims.map(({ lease }) => finish(this.#stores, OPERATOR, lease)));
      for (const { id, metadata, status, worker, availableAt } of runs) {
        if (status !== 'RUNNING' || worker !== null || availableAt !== null) continue;
        const of = existing(OWNERS.find((one) => one === metadata.owner));
        await this.#stores.runs.update(of, id, { status: 'SUCCESS' });
      }
    }
  }

  async #play(command: ExecutionCommand): Promise<void> {
    const { runs, threads, assistants, queue } = this.#stores;
    switch (command.type) {
      case 'pass':
        return this.#bench.pass(command.milliseconds / 1_000);
      case 'createRun':
        return this.#createRun(command);
      case 'updateRun':
        await runs.update(command.owner, this.#runOf(command.owner, command.run), { status: command.status });
        return;
      case 'cancelRun':
        await runs.cancel(command.owner, this.#runOf(command.owner, command.run), command.action);
        return;
      case 'deleteRun':
        await runs.delete(command.owner, this.#runOf(command.owner, command.run));
        return;
      case 'deleteThread': {
        const ids = existing(this.#threads.get(command.owner));
        await threads.delete(command.owner, at(ids, command.thread));
        ids.push((await makeThread(this.#stores, command.owner)).id);
        return;
      }
      case 'moveAssistant': {
        const id = at(existing(this.#assistants.get(command.owner)), command.assistant);
        await assistants.update(command.owner, id, { graphId: command.graphId });
        return;
      }
      case 'claim': {
        const { worker, graphIds, max, leaseSeconds } = command;
        const holder = worker === 'all' ? OPERATOR : worker;
        const request = { allOwners: worker === 'all', graphIds, max, leaseSeconds };
        for (const { lease, run } of await claim(this.#stores, holder, request)) {
          this.#given.push({ lease, holder, runId: run.id, sent: 0 });
        }
        return;
      }
      case 'release': {
        const given = this.#givenAt(command.lease);
        if (given !== undefined) await queue.release(given.holder, [given.lease]);
        return;
      }
      default: {
        const given = this.#givenAt(command.lease);
        if (given !== undefined) await this.#work(command, given);
      }
    }
  }

  async #work(
    command: Extract<ExecutionCommand, { readonly type: 'heartbeat' | 'append' | 'checkpoint' | 'finish' }>,
    given: Given,
  ): Promise<void> {
    const { lease, holder } = given;
    const { queue } = this.#stores;
    switch (command.type) {
      case 'heartbeat':
        await heartbeat(this.#stores, holder, lease, command);
        return;
      case 'append': {
        const events = Array.from({ length: command.count }, (_, index) => ({
          type: `E${given.sent + index}`,
          data: {},
        }));
        const outcome = await queue.appendEvents(holder, { lease, offset: given.sent, events });
        given.sent = outcome.lease?.storedEvents ?? given.sent;
        return;
      }
      case 'checkpoint':
        await queue.checkpoint(holder, { lease, values: { n: command.value } });
        return;
      case 'finish': {
        const { status, output, retry, retryAfterSeconds } = command.end;
        const isFailure = status === 'ERROR' || status === 'TIMEOUT';
        const error = isFailure ? { code: 'E', message: '' } : null;
        const values = output === null ? null : { n: output };
        await finish(this.#stores, holder, lease, {
          status,
          output: values,
          error,
          retry,
          retryAfterSeconds,
        });
      }
    }
  }

  async #createRun(command: Extract<ExecutionCommand, { readonly type: 'createRun' }>): Promise<void> {
    const { owner: of, strategy, delaySeconds, timeoutSeconds, maxAttempts, key } = command;
    const ids = existing(this.#threads.get(of));
    const outcome = await this.#stores.runs.create(of, {
      threadId: command.thread === null ? null : at(ids, command.thread),
      assistantId: at(existing(this.#assistants.get(of)), command.assistant),
      resumes: command.resumes === null ? null : this.#runOf(of, command.resumes),
      multitaskStrategy: strategy,
      delaySeconds,
      timeoutSeconds,
      maxAttempts,
      idempotencyKey: key,
    });
    if ('refusals' in outcome || outcome.replayed) return;
    const { id } = valueOf(outcome);
    existing(this.#runs.get(of)).push(id);
    if (key !== null) this.#keyed.set(`${of} ${key}`, [...(this.#keyed.get(`${of} ${key}`) ?? []), id]);
  }

  /** Looks whether all laws hold. Returns all runs. */
  async #check(): Promise<readonly Run[]> {
    followChanges(this.#bench.published, this.#known);
    const all: Run[] = [];
    for (const one of OWNERS) {
      const { threads, runs } = await everythingOf(this.#stores, one);
      all.push(...runs);
      for (const thread of threads)
        checkThread(
          thread,
          runs.filter(({ threadId }) => threadId === thread.id),
        );
      const ids = new Set(idsOf(threads));
      ok(
        runs.every(({ threadId }) => ids.has(threadId)),
        'A run has a thread.',
      );
      for (const run of runs) await this.#checkRun(one, run);
      for (const record of [...threads, ...runs]) deepStrictEqual(record, this.#known.get(record.id));
    }
    const alive = new Set(idsOf(all));
    for (const ids of this.#keyed.values())
      ok(ids.filter((id) => alive.has(id)).length <= 1, 'A key made one run.');
    await this.#checkLeases(all);
    return all;
  }

  /** A run is one worker's at most, and that of no worker once it has ended. */
  async #checkLeases(runs: readonly Run[]): Promise<void> {
    for (const run of runs) {
      const held: string[] = [];
      for (const { runId, lease, holder } of this.#given) {
        if (runId !== run.id || run.worker === null) continue;
        if ((await heartbeat(this.#stores, holder, lease)).held) held.push(lease);
      }
      ok(held.length === (run.worker === null ? 0 : 1), 'A run is held by the one whose name it has.');
    }
  }

  async #checkRun(of: Owner, run: Run): Promise<void> {
    const events = (await eventsOf(this.#stores, of, run.id)).map((event) => event.split(' '));
    deepStrictEqual(
      events.map(([seq]) => Number(seq)),
      events.map((_, index) => index + 1),
    );
    const types = events.map(([, , type]) => type);
    const ends = types.filter((type) => type === 'RUN_FINISHED' || type === 'RUN_ERROR');
    ok(types.length === 0 || types[0] === 'RUN_STARTED', 'The first event is the start.');
    ok(ends.length === (isActive(run) || types.length === 0 ? 0 : 1), 'The end is told once.');
    ok(ends.length === 0 || types.at(-1) === ends[0], 'The last event is the end.');
    for (const [name, has] of [
      ['output', run.hasOutput],
      ['checkpoint', run.hasCheckpoint],
    ] as const) {
      deepStrictEqual((await this.#stores.runs.payload(of, run.id, name)) !== null, has);
    }
    ok(
      (run.ended === null) === isActive(run) && (run.finishedAt === null) === isActive(run),
      'An end has its time.',
    );
    ok(
      run.worker === null || (run.status === 'RUNNING' && run.availableAt === null),
      'A held run is RUNNING.',
    );
  }

  #givenAt(index: number): Given | undefined {
    // Mostly of late, since others are lost.
    return this.#given.at(-1 - (index % Math.max(Math.min(this.#given.length, 6), 1)));
  }

  #runOf(of: Owner, index: number): string {
    const ids = existing(this.#runs.get(of));
    return ids.at(-1 - (index % Math.max(Math.min(ids.length, 8), 1))) ?? 'none';
  }
}

/** What a thread says follows from its runs, of which one at most is executed by a worker. */
function checkThread({ status, valuesRunId }: Thread, runs: readonly Run[]): void {
  const ended = runs.filter((run) => run.ended !== null).toSorted((a, b) => (a.ended ?? 0) - (b.ended ?? 0));
  deepStrictEqual(new Set(ended.map((run) => run.ended)).size, ended.length);
  const last = ended.at(-1);
  const expected = runs.some(isActive) ? 'BUSY' : last === undefined ? 'IDLE' : THREAD_AFTER[last.status];
  deepStrictEqual({ status, valuesRunId }, { status: expected, valuesRunId: lastWithOutput(ended) });
  ok(runs.filter(({ worker }) => worker !== null).length <= 1, 'One run at a time is executed.');
}

function lastWithOutput(ended: readonly Run[]): string | null {
  return ended.findLast(({ hasOutput }) => hasOutput)?.id ?? null;
}

function at(ids: readonly string[], index: number): string {
  // The last ones: those before them may have been deleted.
  return existing(ids.at(-1 - (index % Math.min(ids.length, 3))));
}
