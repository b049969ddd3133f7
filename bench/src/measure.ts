import type { Length, LoadResult } from './load.ts';
import type { LoadClient } from './load-client.ts';
import { memory } from './proc.ts';
import { requestFor } from './requests.ts';
import type { Running } from './running.ts';
import { median, type Spread, spread } from './statistics.ts';
import { type Work, WORKS } from './works.ts';

/** How often and how long each system is measured. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  /** Before the first work, with requests of all kinds: by their number, so that code is compiled however slow the machine is. */
  readonly firstWarmUpRequests: number;
  /** Before each work. */
  readonly warmUpRequests: number;
  readonly warmUpEvents: number;
  readonly starts: number;
}

/** The figures of one round. Times are in milliseconds. */
export interface Figure {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
  readonly busy: number;
}

/** The figures of all rounds of one system: medians, where nothing else is said. */
export interface Row {
  readonly name: string;
  readonly perSecond: number;
  /** The figures of each round. */
  readonly rounds: readonly Figure[];
  /** Of the requests or events a second to those of the baseline in the same round. */
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
export async function warmUpAll(
  contestants: readonly Contestant[],
  token: string,
  client: LoadClient,
  { firstWarmUpRequests }: Plan,
): Promise<void> {
  for (const { running } of contestants) {
    const reads = WORKS.filter((work) => work.isRead && work.includes(running.system));
    await send(running, reads, token, client, { amount: firstWarmUpRequests });
  }
}

/** Measures a work: all systems one after the other, round by round. */
export function measureWork(
  contestants: readonly Contestant[],
  work: Work,
  token: string,
  client: LoadClient,
  plan: Plan,
): Promise<readonly Row[]> {
  const warmUp = { amount: plan.warmUpRequests };
  return measure(contestants, work.baseline, { ...plan, warmUp }, ({ running }, length) =>
    send(running, [work], token, client, length),
  );
}

async function send(
  { system, url, pid }: Running,
  works: readonly Work[],
  token: string,
  client: LoadClient,
  length: Length,
): Promise<LoadResult> {
  const requests = works.flatMap((work) =>
    work.variables.map((variables) => requestFor(system, work, variables)),
  );
  try {
    return await client.load({ url, token, requests, length, pid });
  } catch (cause) {
    throw new Error(`${system.name} has not done ${works.map(({ name }) => name).join(', ')}.`, { cause });
  }
}

/**
 * Measures all contestants one after the other, round by round, each round beginning with another one.
 * @param baseline the name of the one that the others are compared with
 */
export async function measure(
  contestants: readonly Contestant[],
  baseline: string,
  { rounds, seconds, warmUp }: Pick<Plan, 'rounds' | 'seconds'> & { readonly warmUp: Length },
  take: (contestant: Contestant, length: Length) => Promise<Figure>,
): Promise<readonly Row[]> {
  const figures = new Map<Contestant, Figure[]>(contestants.map((contestant) => [contestant, []]));
  for (const contestant of contestants) await take(contestant, warmUp);
  for (let round = 0; round < rounds; round++) {
    const first = round % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      figures.get(contestant)?.push(await take(contestant, { seconds }));
    }
  }
  const compared = contestants.find(({ name }) => name === baseline);
  const ofBaseline = compared === undefined ? [] : (figures.get(compared) ?? []);
  return contestants.map((contestant) => sumUp(contestant, figures.get(contestant) ?? [], ofBaseline));
}

/** The ratios of the figures of two systems in the same rounds. Default: of the requests or events a second. */
export function ratioOf(
  rounds: readonly Figure[],
  others: readonly Figure[],
  key: keyof Figure = 'perSecond',
): Spread {
  return spread(rounds.map((figure, round) => figure[key] / (others[round]?.[key] ?? Number.NaN)));
}

function sumUp({ name, running }: Contestant, figures: readonly Figure[], baseline: readonly Figure[]): Row {
  const of = (key: keyof Figure): number => median(figures.map((figure) => figure[key]));
  return {
    name,
    perSecond: of('perSecond'),
    rounds: figures,
    ratio: ratioOf(figures, baseline),
    p50: of('p50'),
    p99: of('p99'),
    cpu: of('cpu'),
    memory: memory(running.pid),
    busy: Math.max(...figures.map(({ busy }) => busy)),
  };
}
