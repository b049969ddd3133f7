import { type Logger, pino } from 'pino';
import { isObject } from '../lib/is-object.ts';
import type { Owner } from '../store/owner.ts';
import type { CompletedRequest, RequestObserver } from './completed-request.ts';
import type { LogLevel } from './log-level.ts';
import { createOwnerHash } from './owner-hash.ts';
import { createPaint, type Paint, printable } from './paint.ts';
import { isProbe } from './probes.ts';
import type { RequestRecord } from './request-record.ts';

/** What a log on a terminal is written to. */
export interface TerminalStream {
  write(text: string, done?: () => void): boolean;
}

/** Options of a log on a terminal. */
export interface TerminalLogOptions {
  readonly level: LogLevel;
  readonly stream: TerminalStream;
  readonly hasColors: boolean;
  /** Whether owners are shown by their names; by hashes otherwise. */
  readonly showsOwners: boolean;
}

/** A log for people: a line for each request, and one for each record of the logger. */
export interface TerminalLog {
  readonly log: Logger;
  readonly requestLog: RequestObserver;
}

/** Creates a log that writes for people, not for programs. Lines are written at once. */
export function createTerminalLog({
  level,
  stream,
  hasColors,
  showsOwners,
}: TerminalLogOptions): TerminalLog {
  const paint = createPaint(hasColors);
  const hash = createOwnerHash();
  const nameOf = (owner: Owner): string => (showsOwners ? printable(owner) : hash(owner));
  const lines = {
    write: (line: string) => void stream.write(recordLines(JSON.parse(line), paint)),
    flush: (done?: () => void) => void stream.write('', done),
  };
  const log = pino({ level, base: null }, lines);
  return {
    log,
    requestLog(completed, record) {
      if (!log.isLevelEnabled(isProbe(completed.path) ? 'debug' : 'info')) return;
      const owner = completed.owner === null ? null : nameOf(completed.owner);
      stream.write(requestLines(completed, record, owner, paint));
    },
  };
}

/** Such as `POST Threads 200 6 ms alice`, with the messages of the errors below. */
function requestLines(
  {
    method,
    path,
    operationName,
    operationType,
    status,
    duration,
    outcome,
    isWorker,
    errorCode,
  }: CompletedRequest,
  { error }: RequestRecord,
  owner: string | null,
  paint: Paint,
): string {
  const operation = operationName ?? operationType ?? path;
  const isBad = outcome === 'error';
  const words = [
    paint('dim', method),
    paint('bold', operation),
    status === null ? null : paint(isBad ? (status >= 500 ? 'red' : 'yellow') : 'green', String(status)),
    outcome === 'aborted' ? paint('dim', 'closed') : null,
    paint('dim', inUnits(duration)),
    owner === null ? null : paint('cyan', isWorker ? `${owner} (worker)` : owner),
  ];
  const line = words.filter((word) => word !== null).join(' ');
  const messages = (error?.messages ?? []).map(
    (message) => `  ${paint('red', errorCode ?? 'error')} ${printable(message)}`,
  );
  return [line, ...messages].map((text) => `${text}\n`).join('');
}

/** A duration such as `0.4 ms`, `6 ms` or `12 s`. */
function inUnits(milliseconds: number): string {
  if (milliseconds < 1) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  return `${Number((milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 1 : 0))} s`;
}

/** A record of the logger: its message and its fields, and below them its errors. */
function recordLines(record: unknown, paint: Paint): string {
  if (!isObject(record)) return '';
  const { level, time: _time, msg, causes, ...fields } = record;
  const head = LEVELS.find(({ from }) => Number(level) >= from) ?? LAST_LEVEL;
  const words = [
    paint(head.color, head.name),
    printable(typeof msg === 'string' ? msg : ''),
    ...Object.entries(fields).map(([name, value]) => paint('dim', printable(`${name}=${inText(value)}`))),
  ];
  return `${words.join(' ')}\n${causesOf(causes, paint)}`;
}

const LAST_LEVEL = { from: 0, name: 'debug', color: 'dim' } as const;
/** pino's levels, from the most severe on. */
const LEVELS = [
  { from: 50, name: 'error', color: 'red' },
  { from: 40, name: 'warning', color: 'yellow' },
  { from: 30, name: 'info', color: 'green' },
  LAST_LEVEL,
] as const;

/** The stacks of errors, the outermost first; the message of one without a stack. */
function causesOf(causes: unknown, paint: Paint): string {
  if (!Array.isArray(causes)) return '';
  return causes
    .filter(isObject)
    .flatMap(({ name, message, stack }) =>
      inText(stack ?? `${inText(name)}: ${inText(message ?? '')}`).split('\n'),
    )
    .map((line) => `  ${paint('dim', printable(line))}\n`)
    .join('');
}

function inText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
