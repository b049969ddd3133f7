import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { Cores } from './cores.ts';
import { type Figure, type Plan, ratioOf, type Row } from './measure.ts';
import type { Start } from './measure-starts.ts';
import type { Spread } from './statistics.ts';
import { THIS_SERVER, THIS_SERVER_SMALL, TUNED } from './systems.ts';

/** Some rows under a heading. */
export interface Section {
  /** The work: Q1 and so on. */
  readonly name: string;
  readonly heading: string;
  /** The name of the system that the others are compared with. */
  readonly baseline: string;
  readonly rows: readonly Row[];
  /** What is counted by the second. */
  readonly unit: 'requests' | 'events';
}

/** How much of its core the load may take before it limits the figures, from 0 to 1. */
const BUSY = 0.9;

/** The table of a section, as Markdown. */
/** A table, as Markdown: its first column to the left, the others to the right. */
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

/**
 * This server's figures as ratios to those of the baseline, of REST by hand with optimizations, and of itself with
 * fewer threads: as Markdown.
 */
export function summaryTable(few: readonly Section[], many: readonly Section[]): string {
  return table(
    [
      'work',
      'compared with',
      'rate',
      'processor time',
      'p99',
      `rate to ${TUNED}`,
      '1,000,000 threads to 1,000',
    ],
    few.map(({ name, rows, baseline }) => {
      const same = many.find((section) => section.name === name)?.rows ?? [];
      return [
        name,
        baseline,
        compared(rows, baseline, 'perSecond'),
        compared(rows, baseline, 'cpu'),
        compared(rows, baseline, 'p99'),
        compared(rows, TUNED, 'perSecond'),
        compared(same, THIS_SERVER_SMALL, 'perSecond'),
      ];
    }),
  );
}

function compared(rows: readonly Row[], other: string, key: keyof Figure): string {
  const own = rows.find(({ name }) => name.startsWith(THIS_SERVER) && name !== THIS_SERVER_SMALL);
  const others = rows.find(({ name }) => name === other);
  if (own === undefined || others === undefined) return '—';
  const ratio = ratioOf(own.rounds, others.rounds, key);
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

/** The results of a run. */
export interface Results {
  readonly title: string;
  /** The command that measures them. */
  readonly command: string;
  /** Whether the records are in PostgreSQL. */
  readonly onPostgres: boolean;
  readonly plan: Plan;
  readonly cores: Cores | null;
  readonly starts: readonly Start[];
  readonly sections: readonly Section[];
  /** The table of this server's ratios. */
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
    `![The ratios, as bars](${chart})`,
    '## This server',
    summary,
    '## Start',
    startsTable(starts),
    ...sections.flatMap((section) => [`## ${section.heading}`, tableOf(section)]),
    ...(isBusy ? [BUSY_NOTE] : []),
  ].join('\n\n')}\n`;
}

/** The machine, the times and the versions, as Markdown. */
export function preamble(
  { rounds, seconds, warmUpRequests }: Plan,
  cores: Cores | null,
  onPostgres: boolean,
): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const versions = VERSIONS.map((name) => `${name} ${versionOf(name)}`).join(', ');
  return [
    `Node.js ${process.versions.node} on ${cpus().length} × ${cpu?.model.trim()}, ${memory} GiB. ` +
      (cores === null
        ? 'Server and load share the cores: there is only one, or no `taskset`, and figures differ from run to run.'
        : 'The server that is measured has one core, the load another one.') +
      (onPostgres ? ' PostgreSQL runs on any of them.' : ''),
    `16 connections by autocannon; ${figure(warmUpRequests, 0)} requests to warm up, then ${rounds} rounds of ${seconds} s. ` +
      'A figure is the median of the rounds, a ratio the median of the ratios in the same rounds.',
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

/** A table, as Markdown: its first column to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
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

/** A number with this many decimals. */
export function figure(value: number, digits: number): string {
  if (Number.isNaN(value)) return '—';
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The minimum and the maximum. */
export function rangeOf({ min, max }: Spread, digits: number): string {
  return Number.isNaN(min) ? '—' : `${figure(min, digits)} to ${figure(max, digits)}`;
}

/** The version of a package that the benchmark uses. */
export function versionOf(name: string): string {
  const url = new URL('../package.json', import.meta.url);
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(readFileSync(url, 'utf8'));
  return dependencies[name] ?? '';
}
