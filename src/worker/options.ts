import { hostname } from 'node:os';
import type { RunHandler } from './claimed-run.ts';
import { printReport, safeReport, type WorkerReport } from './report.ts';
import { isBearerToken } from './token-source.ts';

/** The options of a worker. */
export interface WorkerOptions {
  /** The address of the GraphQL API, such as `https://agents.example.com/graphql`. */
  readonly url: string;
  /**
   * A worker's token, or a function that returns one. The function is called when a token is needed for the first time,
   * when the last one has less than a minute left, and when it was refused.
   */
  readonly token: string | (() => string | Promise<string>);
  /** The handlers by `graphId`, 100 at most. Only runs of assistants with these `graphId`s are claimed. */
  readonly graphs: Readonly<Record<string, RunHandler>>;
  /** How many runs are executed at once: 1 to 100. Default: 10. */
  readonly concurrency?: number;
  /** The worker's name, shown as the run's `worker`: at most 256 characters. Default: the host's name and the process's id. */
  readonly name?: string;
  /** Seconds that a lease lasts without a heartbeat: 5 to 300. After a crash, runs wait that long. Default: 30. */
  readonly leaseSeconds?: number;
  /** Seconds that runs have to finish at a shutdown: 0 to 3,600. Then they return to the queue. Default: 20. */
  readonly drainSeconds?: number;
  /** Whether SIGTERM and SIGINT shut the worker down. Default: true. */
  readonly handleSignals?: boolean;
  /** Called with each event of the worker, for your log. Default: a line on standard error, except for `CLAIMED`. */
  readonly report?: (report: WorkerReport) => void;
}

/** Options with their defaults. */
export type ResolvedOptions = Required<WorkerOptions>;

/** Checks options, and adds the defaults. @throws {TypeError} that names the option, and what it accepts */
export function resolveOptions(options: WorkerOptions): ResolvedOptions {
  const { url, token, graphs, name = `${hostname()}-${process.pid}` } = options;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new TypeError(`url must be an http or https address, and not ${JSON.stringify(url)}.`);
  const { username, password } = new URL(url);
  if (username !== '' || password !== '')
    throw new TypeError('url must have no user name and no password: the token says who calls.');
  if (typeof token !== 'function' && !isBearerToken(token))
    throw new TypeError(
      'token must be a worker’s token, without white space, or a function that returns one.',
    );
  const graphIds = Object.keys(graphs);
  if (graphIds.length === 0 || graphIds.length > 100)
    throw new TypeError(`graphs must have 1 to 100 handlers, and not ${graphIds.length}.`);
  for (const id of graphIds) {
    if (typeof graphs[id] !== 'function')
      throw new TypeError(
        `graphs must have functions, and not ${typeof graphs[id]} for ${JSON.stringify(id)}.`,
      );
  }
  if (name.trim() === '' || name.length > 256)
    throw new TypeError('name must have at most 256 characters, and not be blank.');
  const integer = (
    key: 'concurrency' | 'leaseSeconds' | 'drainSeconds',
    [min, max]: [number, number],
    or: number,
  ) => {
    const value = options[key] ?? or;
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new TypeError(`${key} must be an integer from ${min} to ${max}, and not ${value}.`);
  };
  return {
    url,
    token,
    graphs,
    name,
    concurrency: integer('concurrency', [1, 100], 10),
    leaseSeconds: integer('leaseSeconds', [5, 300], 30),
    drainSeconds: integer('drainSeconds', [0, 3_600], 20),
    handleSignals: options.handleSignals ?? true,
    report: safeReport(options.report ?? printReport(name)),
  };
}
