import { EventEmitter, once } from 'node:events';
import * as fc from 'fast-check';
import { z } from 'zod';
import { type Client, clientOf, codesOf, workerClientOf } from '../../process/client.ts';

/** The owners of the runs. */
export const OWNERS = ['alice', 'bob'] as const;
const WORKERS = ['worker-1', 'worker-2', 'worker-3'] as const;
/** How long a lease lasts without a call, in seconds. One that ends during an outage may still be renewed. */
const LEASE_SECONDS = 15;
/** Threads of an owner that several runs are on. */
const THREADS = 4;

/** What workers do with a run. It is the run's input. */
export interface Plan {
  readonly key: string;
  /** How many events each call appends; a checkpoint follows each. */
  readonly appends: readonly number[];
  /** RETRY fails the first attempt that has this plan's worker, and ends with SUCCESS. */
  readonly end: 'SUCCESS' | 'ERROR' | 'INTERRUPTED' | 'RETRY';
}

/** How many plans are drawn: more than any test needs. */
const DRAWN = 1_000;

function drawPlans(): readonly Omit<Plan, 'key'>[] {
  const appends = fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 3 });
  const end = fc.constantFrom('SUCCESS', 'SUCCESS', 'ERROR', 'INTERRUPTED', 'RETRY');
  return fc.sample(fc.record({ appends, end }), DRAWN);
}

/** An attempt of a worker, as far as it was acknowledged. */
export interface Attempt {
  readonly worker: string;
  readonly lease: string;
  readonly runId: string;
  readonly attempt: number;
  /** How many of its events are stored for sure. */
  stored: number;
  state: 'open' | 'ending' | 'over';
  /** The accepted end: the status of the run after it. Null where there is none. */
  ended: string | null;
}

/** A run that is stored for sure. */
export interface CreatedRun {
  readonly id: string;
  readonly owner: string;
  readonly threadId: string;
  readonly plan: Plan;
  isCancelled: boolean;
}

/** Owners and workers that continue through outages: a call without a response is repeated unchanged. */
export class RunLoad {
  readonly runs = new Map<string, CreatedRun>();
  readonly attempts: Attempt[] = [];
  /** How many calls were answered. */
  acknowledged = 0;
  readonly #plans = drawPlans().values();
  readonly #moments = new EventEmitter().setMaxListeners(0);
  readonly #over = new AbortController();
  #clients = new Map<string, Client>();
  #assistants = new Map<string, string>();
  #threads = new Map<string, readonly string[]>();
  /** How many outages there were. */
  #outages = 0;
  #isAway = true;
  #created = 0;

  /** The client of an owner or a worker. */
  client(name: string): Client {
    const client = this.#clients.get(name);
    if (client === undefined) throw new TypeError(`There is no client of ${name}.`);
    return client;
  }

  /** Lets calls go to a server. */
  async resume(port: number): Promise<void> {
    const owners = OWNERS.map(async (name) => [name, await clientOf(port, name)] as const);
    const workers = WORKERS.map(async (name) => [name, await workerClientOf(port, name)] as const);
    this.#clients = new Map(await Promise.all([...owners, ...workers]));
    await this.#expectHeld();
    this.#isAway = false;
    this.#moments.emit('back');
  }

  /** Loses the answers that are on their way, and lets calls wait until it is resumed. */
  pause(): void {
    this.#outages++;
    this.#isAway = true;
  }

  /** Resolves when this many more calls were answered. */
  async answered(count: number): Promise<void> {
    const enough = this.acknowledged + count;
    while (this.acknowledged < enough) await once(this.#moments, 'answered');
  }

  /** Creates what runs need. */
  async prepare(): Promise<void> {
    for (const owner of OWNERS) {
      const made = await this.#call(
        owner,
        'mutation { createAssistant(input: {graphId: "graph"}) { assistant { id } } }',
        {},
      );
      this.#assistants.set(owner, Id.parse(made).createAssistant.assistant.id);
      const threads = Array.from({ length: THREADS }, async (_, index) => {
        const input = { idempotencyKey: `thread ${index}` };
        const document =
          'mutation($input: CreateThreadInput!) { createThread(input: $input) { thread { id } } }';
        return ThreadId.parse(await this.#call(owner, document, { input })).createThread.thread.id;
      });
      this.#threads.set(owner, await Promise.all(threads));
    }
  }

  /** Creates this many runs of each owner, some of them on a thread of their own, and cancels some. */
  async create(count: number): Promise<void> {
    await Promise.all(OWNERS.flatMap((owner) => Array.from({ length: count }, () => this.#createOne(owner))));
  }

  async #createOne(owner: string): Promise<void> {
    const index = this.#created++;
    const drawn = this.#plans.next().value;
    if (drawn === undefined) throw new RangeError('No plan is left.');
    const plan: Plan = { ...drawn, key: `key ${index}` };
    const threads = this.#threads.get(owner) ?? [];
    const threadId = threads[index % (2 * threads.length)] ?? null;
    const assistantId = this.#assistants.get(owner);
    const input = { assistantId, threadId, input: plan, idempotencyKey: plan.key, maxAttempts: 100 };
    const { createRun } = Created.parse(await this.#call(owner, CREATE, { input }));
    const { id } = createRun.run;
    if (this.runs.has(id)) throw new TypeError('Two keys made one run.');
    const run = { id, owner, threadId: createRun.run.threadId, plan, isCancelled: false };
    this.runs.set(id, run);
    if (index % 7 === 3) {
      run.isCancelled = true;
      await this.#call(owner, 'mutation($id: ID!) { cancelRun(input: {id: $id}) { run { id } } }', { id });
    }
  }

  /** Whether all runs have ended. */
  async isIdle(): Promise<boolean> {
    const query = '{ runs(filter: {status: [PENDING, RUNNING]}) { totalCount } }';
    const answers = await Promise.all(OWNERS.map((owner) => this.client(owner).send(query)));
    return answers.every(({ text }) => text === '{"data":{"runs":{"totalCount":0}}}');
  }

  /** Lets the workers work until `end`. */
  work(): Promise<unknown> {
    return Promise.all(WORKERS.map((worker) => this.#workAs(worker)));
  }

  /** Lets the workers stop: their waiting claims are given up. */
  end(): void {
    this.#over.abort();
    this.#moments.emit('back');
  }

  async #workAs(worker: string): Promise<void> {
    while (!this.#over.signal.aborted) {
      const input = { worker, graphIds: ['graph'], max: 6, waitSeconds: 10, leaseSeconds: LEASE_SECONDS };
      const answer = await this.#call(worker, CLAIM, { input }, this.#over.signal).catch((error: unknown) => {
        if (!this.#over.signal.aborted) throw error;
      });
      if (answer === undefined) return;
      await Promise.all(Claims.parse(answer).claimRuns.claims.map((claim) => this.#execute(worker, claim)));
    }
  }

  async #execute(worker: string, { lease, runId, attempt, input: plan }: Claim): Promise<void> {
    const own: Attempt = { worker, lease, runId, attempt, stored: 0, state: 'open', ended: null };
    this.attempts.push(own);
    for (const count of plan.appends) {
      const events = Array.from({ length: count }, (_, index) => {
        return { type: 'STEP', data: { claim: `${runId} ${attempt}`, index: own.stored + index } };
      });
      const appended = await this.#call(worker, APPEND, { input: { lease, offset: own.stored, events } });
      const { held, storedEvents } = Appended.parse(appended).appendRunEvents.lease;
      if (!held) return this.#lose(own);
      expectSame(storedEvents, own.stored + count);
      own.stored = storedEvents;
      const values = { key: plan.key, attempt, stored: own.stored };
      const saved = await this.#call(worker, CHECKPOINT, { input: { lease, values } });
      if (!Saved.parse(saved).checkpointRun.lease.held) return this.#lose(own);
    }
    own.state = 'ending';
    const end = endOf(plan, attempt);
    const finished = await this.#call(worker, FINISH, { input: { lease, ...end } });
    const { accepted, status } = Finished.parse(finished).finishRun;
    // Sent again, an end with `retry` is accepted until the next attempt begins.
    if (!accepted && !('retry' in end)) return this.#lose(own);
    own.state = 'over';
    if (accepted) own.ended = status;
  }

  /** Only the server's end of a cancelled run takes it from its worker. @throws TypeError for all others */
  #lose(attempt: Attempt): void {
    attempt.state = 'over';
    if (this.runs.get(attempt.runId)?.isCancelled !== true) throw new TypeError('A lease was lost.');
  }

  /** Sends a call until it is answered. @param signal gives it up */
  async #call(
    as: string,
    query: string,
    variables: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<unknown> {
    for (;;) {
      while (this.#isAway && !this.#over.signal.aborted) await once(this.#moments, 'back');
      const outages = this.#outages;
      const answer = await this.client(as)
        .send(query, variables, signal)
        .catch(() => null);
      // It may be stored, and the answer is lost on its way.
      if (outages !== this.#outages) continue;
      if (answer?.status === 200 && answer.body.errors === undefined) {
        this.acknowledged++;
        this.#moments.emit('answered');
        return answer.body.data;
      }
      if (answer !== null && codesOf(answer.body).join() !== 'SERVICE_UNAVAILABLE') {
        throw new TypeError(`${query} was answered with ${answer.text}`);
      }
      throw new TypeError(
        `${query} failed while nothing was away: ${answer?.text ?? 'the connection was cut'}`,
      );
    }
  }

  /** Expects the leases of before to be good, however long it took, and what was acknowledged to be counted. */
  async #expectHeld(): Promise<void> {
    for (const worker of WORKERS) {
      const kept = this.attempts.filter((one) => one.worker === worker && one.state !== 'over');
      if (kept.length === 0) continue;
      const input = { leases: kept.map(({ lease }) => lease), leaseSeconds: LEASE_SECONDS };
      const { body } = await this.client(worker).send(HEARTBEAT, { input });
      const { leases } = Beaten.parse(body.data).heartbeatRuns;
      for (const [index, { state, stored, runId }] of kept.entries()) {
        // Its end may be stored.
        if (state === 'ending') continue;
        // A cancelled run may be ended before its worker hears of it.
        if (this.runs.get(runId)?.isCancelled === true) continue;
        expectSame(leases[index]?.held, true);
        if ((leases[index]?.storedEvents ?? 0) < stored)
          throw new TypeError('Acknowledged events were lost.');
      }
    }
  }
}

/** The end that a worker reports. The first attempt that it gets to the end of is tried again with RETRY. */
function endOf({ key, end }: Plan, attempt: number) {
  const output = { key, attempt, isDone: true };
  const error = { code: 'PLANNED', message: key };
  if (end === 'ERROR') return { status: 'ERROR', error };
  if (end === 'INTERRUPTED') return { status: 'INTERRUPTED', interrupt: { key } };
  if (end === 'RETRY' && attempt === 1) return { status: 'ERROR', error, retry: true, retryAfterSeconds: 0 };
  return { status: 'SUCCESS', output };
}

function expectSame(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new TypeError(`${a} was answered in place of ${b}.`);
}

const CREATE = 'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id threadId } } }';
const CLAIM = `mutation($input: ClaimRunsInput!) { claimRuns(input: $input) {
  claims { lease runId attempt input } userErrors { code } } }`;
const APPEND =
  'mutation($input: AppendRunEventsInput!) { appendRunEvents(input: $input) { lease { held storedEvents } } }';
const CHECKPOINT =
  'mutation($input: CheckpointRunInput!) { checkpointRun(input: $input) { lease { held } } }';
const FINISH = 'mutation($input: FinishRunInput!) { finishRun(input: $input) { accepted status } }';
const HEARTBEAT =
  'mutation($input: HeartbeatRunsInput!) { heartbeatRuns(input: $input) { leases { held storedEvents } } }';

const Id = z.object({ createAssistant: z.object({ assistant: z.object({ id: z.string() }) }) });
const ThreadId = z.object({ createThread: z.object({ thread: z.object({ id: z.string() }) }) });
const Created = z.object({
  createRun: z.object({ run: z.object({ id: z.string(), threadId: z.string() }) }),
});
const Claim = z.object({
  lease: z.string(),
  runId: z.string(),
  attempt: z.number(),
  input: z.object({
    key: z.string(),
    appends: z.array(z.number()),
    end: z.enum(['SUCCESS', 'ERROR', 'INTERRUPTED', 'RETRY']),
  }),
});
type Claim = z.output<typeof Claim>;
const Claims = z.object({ claimRuns: z.object({ claims: z.array(Claim) }) });
const State = z.object({ held: z.boolean(), storedEvents: z.number() });
const Appended = z.object({ appendRunEvents: z.object({ lease: State }) });
const Saved = z.object({ checkpointRun: z.object({ lease: z.object({ held: z.boolean() }) }) });
const Finished = z.object({ finishRun: z.object({ accepted: z.boolean(), status: z.string().nullable() }) });
const Beaten = z.object({ heartbeatRuns: z.object({ leases: z.array(State) }) });
