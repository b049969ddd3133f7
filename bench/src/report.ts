import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { Cores } from './cores.ts';
import { type Plan, ratioOf, type Row } from './measure.ts';
import type { Start } from './measure-starts.ts';
import type { Spread } from './statistics.ts';
import { BASELINE, THIS_SERVER, THIS_SERVER_SMALL, TUNED } from './systems.ts';

/** Some rows under a heading. */
export interface Section {
  /** The work: Q1 and so on. */
  readonly name: string;
  readonly heading: string;
  readonly rows: readonly Row[];
  /** What is counted by the second. */
  readonly unit: 'requests' | 'events';
}

/** How much of its core the load may take before it is what limits the figures. */
const BUSY = 0.9;

/** The table of a section, as Markdown. */
export function tableOf({ rows, unit }: Pick<Section, 'rows' | 'unit'>): string {
  const one = unit.slice(0, -1);
  return table(
    ['system', `${unit}/s`, 'ratio', 'min to max', 'p50 ms', 'p99 ms', `µs CPU/${one}`, 'memory MB'],
    rows.map((row) => [
      row.name + (row.busy > BUSY ? ' ¹' : ''),
      figure(row.perSecond, 0),
      figure(row.ratio.median, 2),
      rangeOf(row.ratio, 2),
      figure(row.p50, 2),
      figure(row.p99, 2),
      figure(row.cpu * 1_000, 1),
      figure(row.memory, 0),
    ]),
  );
}

/** What the requests of this server come to, beside REST by hand and beside itself, as Markdown. */
export function summaryTable(few: readonly Section[], many: readonly Section[]): string {
  const others = [BASELINE, TUNED].filter((other) =>
    few.some(({ rows }) => rows.some(({ name }) => name === other)),
  );
  return table(
    ['work', ...others.map((other) => `to ${other}`), '1,000,000 threads to 1,000'],
    few.map(({ name, rows }) => {
      const same = many.find((section) => section.name === name)?.rows ?? [];
      return [
        name,
        ...others.map((other) => compared(rows, THIS_SERVER, other)),
        compared(same, THIS_SERVER, THIS_SERVER_SMALL),
      ];
    }),
  );
}

function compared(rows: readonly Row[], one: string, other: string): string {
  const [first, second] = [one, other].map((name) => rows.find((row) => row.name === name));
  if (first === undefined || second === undefined) return '—';
  const ratio = ratioOf(first.rounds, second.rounds);
  return `${figure(ratio.median, 2)} (${rangeOf(ratio, 2)})`;
}

/** The table of the starts, as Markdown. */
export function startsTable(starts: readonly Start[]): string {
  return table(
    ['system', 'ms to the first answer', 'min to max', 'memory MB then'],
    starts.map(({ name, time, memory }) => [
      name,
      figure(time.median, 0),
      rangeOf(time, 0),
      figure(memory, 0),
    ]),
  );
}

/** All that was measured. */
export interface Results {
  readonly title: string;
  /** How it is measured again. */
  readonly command: string;
  /** Whether the records are in PostgreSQL. */
  readonly onPostgres: boolean;
  readonly plan: Plan;
  readonly cores: Cores | null;
  readonly starts: readonly Start[];
  readonly sections: readonly Section[];
  /** What this server comes to. */
  readonly summary: string;
  /** The file with the picture, beside the results. */
  readonly chart: string;
}

/** The whole of results.md. */
export function resultsOf({
  title,
  command,
  plan,
  cores,
  starts,
  sections,
  summary,
  chart,
  onPostgres,
}: Results): string {
  const isBusy = sections.some(({ rows }) => rows.some(({ busy }) => busy > BUSY));
  return `${[
    `# ${title}`,
    `\`${command}\` writes this page; [README.md](README.md) says what is measured, and how.`,
    preamble(plan, cores, onPostgres),
    `![The ratios to ${BASELINE}, as bars](${chart})`,
    '## This server',
    summary,
    '## Start',
    startsTable(starts),
    ...sections.flatMap((section) => [`## ${section.heading}`, tableOf(section)]),
    ...(isBusy ? [BUSY_NOTE] : []),
  ].join('\n\n')}\n`;
}

/** On what was measured, and for how long, as Markdown. */
export function preamble(
  { rounds, seconds, warmUpSeconds }: Plan,
  cores: Cores | null,
  onPostgres: boolean,
): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const versions = VERSIONS.map((name) => `${name} ${versionOf(name)}`).join(', ');
  return [
    `Node.js ${process.versions.node} on ${cpus().length} × ${cpu?.model.trim()}, ${memory} GiB. ` +
      (cores === null
        ? 'Server and load share the cores, for there is one alone or no `taskset`: figures differ from run to run.'
        : 'The server that is measured has one core, the load another one.') +
      (onPostgres ? ' PostgreSQL runs on any of them, and takes its time from both.' : ''),
    `16 connections by autocannon; ${warmUpSeconds} s to warm up, then ${rounds} rounds of ${seconds} s. ` +
      `A figure is the median of the rounds, a ratio the median of the ratios to ${BASELINE} in the same round.`,
    `With ${versions}.`,
  ].join('\n\n');
}

const VERSIONS = [
  'graphql',
  'graphql-yoga',
  '@pothos/core',
  '@apollo/server',
  'mercurius',
  'fastify',
  'jose',
  'autocannon',
] as const;

const BUSY_NOTE = `¹ The load took more than ${BUSY * 100} % of its core in some round: the system may be faster.`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function figure(value: number, digits: number): string {
  if (Number.isNaN(value)) return '—';
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function rangeOf({ min, max }: Spread, digits: number): string {
  return Number.isNaN(min) ? '—' : `${figure(min, digits)} to ${figure(max, digits)}`;
}

function versionOf(name: string): string {
  const url = new URL('../package.json', import.meta.url);
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(readFileSync(url, 'utf8'));
  return dependencies[name] ?? '';
}
