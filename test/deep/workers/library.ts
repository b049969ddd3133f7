import { workerTokenOf } from '../../process/client.ts';
import type { Project, Started } from '../../process/project.ts';

/**
 * A worker library under test: how its scenario worker is started. That is a program which creates a worker by the
 * library, and runs it until SIGTERM. All scenario workers take the same variables, have the same graphs, and print the
 * same lines.
 *
 * Variables:
 * - `AGENT_GRAPHQL_URL`
 * - `AGENT_GRAPHQL_TOKENS`, separated by spaces. One is a fixed token. Several are what the token function returns, one a
 *   call; the last one from then on.
 * - `LEASE_SECONDS` (default: 30), `DRAIN_SECONDS` (default: 20), `CONCURRENCY` (default: 10), `WORKER_NAME` (default: the library's)
 *
 * Lines on stdout, each as soon as it is so:
 * - `claimed <run>`, `lost <run>`, `released <run>`, `dropped <run>` (events that the server refused), `unavailable`,
 *   `available`: what the library reports, once each
 * - `ended <run> <status>`: an attempt was finished, with the status that finishRun answered
 * - `token <number>`: the token function was called, for the first time, the second …
 * - `stopped <run> <reason>`: the handler `wait` was stopped; the reason is `cancelled`, `lost` or `drain`
 * - `began <run>`: the handler `block` begins to block
 *
 * It ends with code 0 on SIGTERM, and with code 1 and the message on stderr where the library gives up.
 *
 * Graphs, with the keys of `input`:
 * - `given`: returns the claim: `id threadId assistantId assistantVersion graphId owner attempt input values checkpoint
 *   config context metadata resumes`
 * - `words`: `text`, `pauseMilliseconds` (default: 0). Emits `TEXT_MESSAGE_CONTENT {delta}` for each word, and pauses
 *   before each. Returns `{text}`
 * - `count`: `to`, `pauseMilliseconds` (default: 0). From the checkpoint's `count`, or 0, on: pauses, emits
 *   `CUSTOM {count}`, and saves `{count}`. Returns `{count}`
 * - `wait`: saves `{waited: true}`, emits `CUSTOM {waits: true}`, and waits until it is stopped
 * - `ask`: `question`, `swallow` (default: false). Interrupts with `{question}` and the output `{question}`; with
 *   `swallow` it catches what that throws, and returns `{swallowed: true}`. Where it resumes a run:
 *   returns `{question, answer}` of `values` and `input`
 * - `fail`: `message`. Throws an ordinary error with it
 * - `failure`: `code`, `message`, `details`, `retry`, `retryAfterSeconds`. Throws a RunFailure with what is given
 * - `output`: `kind`. Returns what is no output: a `list`, a `text`, `large` (over 512 KiB), `deep` (33 levels); or saves
 *   `{saved: true}` and returns `nothing`
 * - `emit`: `count`, `bytes`. Emits `CUSTOM {index, text}` with that many characters, and awaits each. Returns `{count}`
 * - `refused`: tries to emit what can never be stored: returns `{refused}`, the list of those that threw, in order, of
 *   `empty type`, `long type` (65 characters), `list`, `large` (over 64 KiB), `deep` (33 levels), `surrogate` (a lone one)
 * - `block`: `milliseconds`. Prints `began`, and blocks the thread for that time. Returns `{blocked: true}`
 */
export interface WorkerLibrary {
  readonly name: string;
  /** What this machine lacks to run it, as `, which needs …`: its scenarios are skipped. Default: nothing. */
  readonly missing?: string | null;
  /** Starts the scenario worker, in the project's folder. */
  start(project: Project, env: Readonly<Record<string, string>>): Started;
}

/** What a scenario needs of a worker. */
export interface WorkerOptions {
  /** Default: one token that is valid for a day. */
  readonly tokens?: readonly string[];
  readonly leaseSeconds?: number;
  readonly drainSeconds?: number;
  readonly concurrency?: number;
  /** Default: the library's. */
  readonly workerName?: string;
}

/** Starts a worker of a library. @param port where the server listens */
export async function startWorker(
  library: WorkerLibrary,
  project: Project,
  port: number,
  { tokens, leaseSeconds = 30, drainSeconds = 20, concurrency = 10, workerName }: WorkerOptions = {},
): Promise<Started> {
  return library.start(project, {
    AGENT_GRAPHQL_URL: `http://127.0.0.1:${port}/graphql`,
    AGENT_GRAPHQL_TOKENS: (tokens ?? [await workerTokenOf('worker-1')]).join(' '),
    LEASE_SECONDS: String(leaseSeconds),
    DRAIN_SECONDS: String(drainSeconds),
    CONCURRENCY: String(concurrency),
    ...(workerName !== undefined && { WORKER_NAME: workerName }),
  });
}
