import { cpus, totalmem } from 'node:os';
import { figure, rangeOf, table, versionOf } from '../report.ts';
import { median, quantile, spread } from '../statistics.ts';
import type { Cores } from '../cores.ts';
import type { Events } from './measure-events.ts';
import type { Latency } from './measure-latency.ts';
import type { Memory, MemoryOf } from './measure-memory.ts';
import type { Throughput } from './measure-throughput.ts';

/** The name of this server in all tables. */
export const THIS_SERVER = 'this server';

/** A table under a heading, and how this server stands. */
export interface RunsSection {
  readonly heading: string;
  readonly table: string;
  /** Rows of the summary. */
  readonly goals: readonly (readonly [work: string, compared: string, figure: string, goal: string])[];
}

/** The goal of a ratio to a peer. */
export type Goals = Readonly<Record<string, string>>;

/** W1. @param goals by the names of peers */
export function throughputSection(
  name: string,
  heading: string,
  all: readonly Throughput[],
  goals: Goals,
): RunsSection {
  const own = all.find((system) => system.name === THIS_SERVER);
  const rows = all.map((system) => [
    system.name,
    figure(median(system.executed), 0),
    rangeOf(spread(system.executed), 0),
    ratioOf(own?.executed, system.executed),
    figure(median(system.cpu) * 1_000, 0),
    figure(median(system.created), 0),
    rangeOf(spread(system.created), 0),
    ratioOf(own?.created, system.created),
  ]);
  const columns = [
    'system',
    'executed/s',
    'min to max',
    'this server to it',
    'µs CPU/run',
    'created/s',
    'min to max',
    'this server to it',
  ];
  return {
    heading,
    table: table(columns, rows),
    goals: all
      .filter((system) => system !== own)
      .flatMap((system) => [
        [name, system.name, ratioOf(own?.executed, system.executed), goals[system.name] ?? ''],
        [`${name}, creating`, system.name, ratioOf(own?.created, system.created), ''],
      ]),
  };
}

/** W2. */
export function latencySection(
  name: string,
  heading: string,
  all: readonly Latency[],
  goals: Goals,
): RunsSection {
  const own = all.find((system) => system.name === THIS_SERVER);
  const ownP95 = own && p95s(own);
  const rows = all.map((system) => [
    system.name,
    figure(quantile(system.rounds.flat(), 0.5), 2),
    figure(quantile(system.rounds.flat(), 0.95), 2),
    rangeOf(spread(p95s(system)), 2),
    ratioOf(ownP95, p95s(system)),
  ]);
  const [p95 = Number.NaN] = own ? [quantile(own.rounds.flat(), 0.95)] : [];
  return {
    heading,
    table: table(
      ['system', 'p50 ms', 'p95 ms', 'p95 of a round, min to max', 'p95: this server to it'],
      rows,
    ),
    goals: [
      [name, 'p95', `${figure(p95, 2)} ms`, goals[THIS_SERVER] ?? ''],
      ...all
        .filter((system) => system !== own)
        .map(
          (system) =>
            [`${name}, p95`, system.name, ratioOf(ownP95, p95s(system)), goals[system.name] ?? ''] as const,
        ),
    ],
  };
}

function p95s({ rounds }: Latency): number[] {
  return rounds.map((times) => quantile(times, 0.95));
}

/** E1. */
export function eventsSection(heading: string, all: readonly Events[], goals: Goals): RunsSection {
  const own = all.find((system) => system.name === THIS_SERVER);
  const rows = all.map((system) => [
    system.name,
    figure(median(system.perSecond), 0),
    rangeOf(spread(system.perSecond), 0),
    ratioOf(own?.perSecond, system.perSecond),
    figure(median(system.cpu) * 1_000, 1),
    figure(median(system.p95), 1),
    rangeOf(spread(system.p95), 1),
  ]);
  const columns = [
    'system',
    'tokens/s',
    'min to max',
    'this server to it',
    'µs CPU/token',
    'p95 ms',
    'min to max',
  ];
  return {
    heading,
    table: table(columns, rows),
    goals: [
      ...all
        .filter((system) => system !== own)
        .map(
          (system) =>
            ['E1', system.name, ratioOf(own?.perSecond, system.perSecond), goals[system.name] ?? ''] as const,
        ),
      ['E1, emit to reader', 'p95', `${figure(median(own?.p95 ?? []), 1)} ms`, goals[THIS_SERVER] ?? ''],
    ],
  };
}

/** Memory. */
export function memorySection(heading: string, { stream, claim }: Memory): RunsSection {
  const row = (what: string, { thisServer, byHand }: MemoryOf): string[] => [
    what,
    kilobytes(thisServer),
    kilobytes(byHand),
    kilobytes(thisServer - byHand),
  ];
  return {
    heading,
    table: table(
      ['memory of one', THIS_SERVER, 'by hand: a response held open', 'difference'],
      [row('an open stream of events', stream), row('a waiting claim', claim)],
    ),
    goals: [
      ['memory', 'an open stream of events', kilobytes(stream.thisServer), 'under 16 KiB'],
      ['memory', 'a waiting claim', kilobytes(claim.thisServer), 'under 8 KiB'],
    ],
  };
}

function kilobytes(bytes: number): string {
  return `${figure(bytes / 1_024, 1)} KiB`;
}

/** The table of all goals, as Markdown. */
export function goalsTable(sections: readonly RunsSection[]): string {
  return table(
    ['work', 'compared with', 'figure', 'goal'],
    sections.flatMap(({ goals }) => goals),
  );
}

/** The machine and the versions, as Markdown. */
export function runsPreamble(cores: Cores | null, postgres: string): string {
  const [cpu] = cpus();
  const versions = VERSIONS.map((name) => `${name} ${versionOf(name)}`).join(', ');
  return [
    `Node.js ${process.versions.node} on ${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB. ` +
      (cores === null
        ? 'Everything shares the cores.'
        : 'Servers have one core; workers, readers and the benchmark itself the other one; PostgreSQL, with fsync on, both.'),
    `PostgreSQL ${postgres}, ${versions}.`,
  ].join('\n\n');
}

const VERSIONS = ['graphile-worker', 'pg-boss', '@langchain/langgraph-api', '@langchain/langgraph', 'jose'];

/** The median of the ratios in the same rounds, with the least and the greatest. */
function ratioOf(own: readonly number[] | undefined, other: readonly number[]): string {
  if (own === undefined || own === other) return figure(own === undefined ? Number.NaN : 1, 2);
  const ratios = own.map((value, round) => value / (other[round] ?? Number.NaN));
  return `${figure(median(ratios), 2)} (${rangeOf(spread(ratios), 2)})`;
}
