import type { LoadResult } from './load.ts';
import type { LoadClient } from './load-client.ts';
import { memory } from './proc.ts';
import { requestFor } from './requests.ts';
import type { Running } from './running.ts';
import { median, type Spread, spread } from './statistics.ts';
import { BASELINE } from './systems.ts';
import { type Work, WORKS } from './works.ts';

/** How often and how long. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Before the first work, with requests of all kinds: so long does it take until code is compiled. */
  readonly firstWarmUpSeconds: number;
  readonly starts: number;
}

/** A figure of one round. Times are in milliseconds. */
export interface Figure {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
  readonly busy: number;
}

/** What all rounds say of one system. */
export interface Row {
  readonly name: string;
  readonly perSecond: number;
  /** By the second in each round. */
  readonly rounds: readonly number[];
  /** Of each round to the baseline in the same round. */
  readonly ratio: Spread;
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
  readonly memory: number;
  /** How much of its core the load took, at most. */
  readonly busy: number;
}

/** A system among those that are measured together, under a name of its own. */
export interface Contestant {
  readonly name: string;
  readonly running: Running;
}

/** Sends each system requests of all works that change nothing, until its code is compiled. */
export async function warmUp(
  contestants: readonly Contestant[],
  token: string,
  client: LoadClient,
  { firstWarmUpSeconds: seconds }: Plan,
): Promise<void> {
  const reads = WORKS.filter(({ isRead }) => isRead);
  for (const { running } of contestants) await send(running, reads, token, client, seconds);
}

/** Measures a work: all systems one after the other, round by round. */
export function measureWork(
  contestants: readonly Contestant[],
  work: Work,
  token: string,
  client: LoadClient,
  plan: Plan,
): Promise<readonly Row[]> {
  return measure(contestants, plan, ({ running }, seconds) => send(running, [work], token, client, seconds));
}

async function send(
  { system, url, pid }: Running,
  works: readonly Work[],
  token: string,
  client: LoadClient,
  seconds: number,
): Promise<LoadResult> {
  const requests = works.flatMap((work) =>
    work.variables.map((variables) => requestFor(system, work, variables)),
  );
  try {
    return await client.load({ url, token, requests, seconds, pid });
  } catch (cause) {
    throw new Error(`${system.name} has not done ${works.map(({ name }) => name).join(', ')}.`, { cause });
  }
}

/** Measures all contestants one after the other, round by round, each round beginning with another one. */
export async function measure(
  contestants: readonly Contestant[],
  { rounds, seconds, warmUpSeconds }: Plan,
  take: (contestant: Contestant, seconds: number) => Promise<Figure>,
): Promise<readonly Row[]> {
  const figures = new Map<Contestant, Figure[]>(contestants.map((contestant) => [contestant, []]));
  for (const contestant of contestants) await take(contestant, warmUpSeconds);
  for (let round = 0; round < rounds; round++) {
    const first = round % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      figures.get(contestant)?.push(await take(contestant, seconds));
    }
  }
  const baseline = contestants.find(({ name }) => name === BASELINE);
  const ofBaseline = baseline === undefined ? [] : perSecond(figures.get(baseline) ?? []);
  return contestants.map((contestant) => sumUp(contestant, figures.get(contestant) ?? [], ofBaseline));
}

/** The ratios of the figures of two systems, each of the two in the same round. */
export function ratioOf(rounds: readonly number[], others: readonly number[]): Spread {
  return spread(rounds.map((figure, round) => figure / (others[round] ?? Number.NaN)));
}

function perSecond(figures: readonly Figure[]): readonly number[] {
  return figures.map((figure) => figure.perSecond);
}

function sumUp({ name, running }: Contestant, figures: readonly Figure[], baseline: readonly number[]): Row {
  const of = (key: keyof Figure): number => median(figures.map((figure) => figure[key]));
  const rounds = perSecond(figures);
  return {
    name,
    perSecond: median(rounds),
    rounds,
    ratio: ratioOf(rounds, baseline),
    p50: of('p50'),
    p99: of('p99'),
    cpu: of('cpu'),
    memory: memory(running.pid),
    busy: Math.max(...figures.map(({ busy }) => busy)),
  };
}
