import { cpuTime } from '../proc.ts';
import { quantile } from '../statistics.ts';
import type { Child } from './child.ts';
import { type Job, now, type Token } from './job.ts';
import { stopWorkers } from './measure-throughput.ts';
import { inParallel } from './parallel.ts';
import { OWNERS, type RunsSystem } from './systems/system.ts';

/** How often the tokens are emitted. */
export interface EventsPlan {
  readonly rounds: number;
}

/** The figures of a system, round by round. */
export interface Events {
  readonly name: string;
  /** Tokens a second that reach readers, of runs that emit as fast as they can: from the first being emitted to the last. */
  readonly perSecond: readonly number[];
  /** Milliseconds from emitting a token to a reader, of runs that emit one each 25 ms: the time that 95 of 100 take at most. */
  readonly p95: readonly number[];
  /** Processor time of the server for each token that reaches a reader, in milliseconds, where tokens are emitted fast. */
  readonly cpu: readonly number[];
}

const RUNS = 100;
const TOKENS = 200;
const READERS_OF_RUN = 2;
const DELIVERIES = RUNS * TOKENS * READERS_OF_RUN;
/** Milliseconds between two tokens of a run, where the delay is measured. */
const GAP = 25;
/** How long all runs may take to be claimed and all readers to come, in milliseconds: at first. */
const FIRST_LEAD = 4_000;
/** Milliseconds that a round may take. */
const TIMEOUT = 180_000;

/** Has many runs emit tokens at once, each to its readers: round by round, each beginning with another system. */
export async function measureEvents(
  systems: readonly RunsSystem[],
  { rounds }: EventsPlan,
): Promise<Events[]> {
  const contestants: Contestant[] = [];
  for (const system of systems) {
    const worker = (await system.startWorker?.()) ?? null;
    worker?.send({ type: 'run', concurrency: RUNS });
    contestants.push({ system, worker, lead: FIRST_LEAD, perSecond: [], p95: [], cpu: [] });
  }
  for (let round = -1; round < rounds; round++) {
    const first = Math.max(round, 0) % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      const fast = await streamAll(contestant, {});
      if (round === -1) continue;
      contestant.perSecond.push((DELIVERIES / fast.milliseconds) * 1_000);
      contestant.cpu.push(fast.cpu / DELIVERIES);
      contestant.p95.push(quantile((await streamAll(contestant, { gap: GAP })).delays, 0.95));
    }
  }
  const workers = contestants.flatMap(({ worker }) => worker ?? []);
  await stopWorkers(workers);
  await Promise.all(workers.map((worker) => worker.stop()));
  return contestants.map(({ system: { name }, perSecond, p95, cpu }) => ({ name, perSecond, p95, cpu }));
}

interface Contestant {
  readonly system: RunsSystem;
  readonly worker: Child | null;
  /** Milliseconds until the first token, in which all runs are claimed and all readers come. */
  lead: number;
  readonly perSecond: number[];
  readonly p95: number[];
  readonly cpu: number[];
}

/** The measurements of the tokens of all runs. */
interface Streamed {
  /** Of each token at each reader, in milliseconds. */
  readonly delays: readonly number[];
  /** From the first token to the last one at a reader. */
  readonly milliseconds: number;
  /** Processor time of the server meanwhile, in milliseconds. */
  readonly cpu: number;
  /** Whether each reader was there before the first token. */
  readonly isInTime: boolean;
}

/** Streams the tokens of all runs: again with more time before, then and later, where a reader came late. */
async function streamAll(contestant: Contestant, pace: Pick<Job, 'gap'>): Promise<Streamed> {
  for (;;) {
    const streamed = await streamOnce(contestant.system, pace, contestant.lead);
    if (streamed.isInTime) return streamed;
    contestant.lead *= 2;
  }
}

async function streamOnce(system: RunsSystem, { gap }: Pick<Job, 'gap'>, lead: number): Promise<Streamed> {
  const startAt = now() + lead;
  const job = { startAt, tokens: TOKENS, ...(gap !== undefined && { gap }) };
  const delays: number[] = [];
  const ends: Promise<void>[] = [];

  async function open(index: number): Promise<void> {
    const owner = index % OWNERS;
    const id = await system.create(job, owner);
    for (let reader = 0; reader < READERS_OF_RUN; reader++) {
      const { ended } = await openReader(system, id, owner, ({ at }) => {
        lastAt = now();
        delays.push(lastAt - at);
      });
      ends.push(ended);
    }
  }

  let lastAt = Number.NaN;
  await inParallel(RUNS, 10, open);
  const isInTime = now() < startAt;
  const pid = system.server?.process.pid ?? 0;
  const cpuBefore = cpuTime(pid);
  const timeout = setTimeout(() => {
    throw new Error(`${system.name}: ${delays.length} tokens arrived in ${TIMEOUT / 1_000} s.`);
  }, TIMEOUT);
  await Promise.race([Promise.all(ends), ...(system.server === null ? [] : [system.server.crashed])]);
  clearTimeout(timeout);
  return { delays, milliseconds: lastAt - startAt, cpu: cpuTime(pid) - cpuBefore, isInTime };
}

/** Opens a reader of a run. `ended` rejects unless it gets all tokens in order. */
async function openReader(
  { name, read }: RunsSystem,
  id: string,
  owner: number,
  onToken: (token: Token) => void,
): Promise<{ readonly ended: Promise<void> }> {
  if (read === null) throw new Error(`${name} has no streams.`);
  let next = 0;
  let opened: Promise<void> = Promise.resolve();
  const ended = new Promise<void>((resolve, reject) => {
    opened = read(id, owner, {
      onToken(token) {
        if (token.n !== next++) reject(new Error(`${name}: token ${token.n} came in place of ${next - 1}.`));
        onToken(token);
      },
      onEnd() {
        if (next === TOKENS) resolve();
        else reject(new Error(`${name}: a stream ended after ${next} tokens.`));
      },
    });
  });
  await opened;
  return { ended };
}
