import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';

/** The job of a run. The same function executes it in each system. Times are of {@link now}. */
export interface Job {
  /** When its creation began. Where it is there, the time until its first line is reported. */
  readonly sentAt?: number;
  /** When to emit the first token. */
  readonly startAt?: number;
  /** How many tokens to emit. Default: none, and it ends at once. */
  readonly tokens?: number;
  /** Milliseconds between two tokens. Default: a turn of the event loop. */
  readonly gap?: number;
}

/** A token of a run. */
export interface Token {
  /** 0 for the first of its run. */
  readonly n: number;
  /** When it was emitted. */
  readonly at: number;
  readonly delta: string;
}

/** The type of the events that have tokens, where a system has types. */
export const TOKEN_TYPE = 'TEXT_MESSAGE_CONTENT';

/** What the handler of a system gives to its job. */
export interface JobContext {
  /** @param latency milliseconds from the creation to the first line of the handler */
  readonly onStart: (latency: number) => void;
  readonly emit: (token: Token) => unknown;
}

/** Milliseconds of a clock that is the same in all processes: CLOCK_MONOTONIC. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}

/** Does what a job says. */
export async function execute(job: Job, { onStart, emit }: JobContext): Promise<void> {
  if (job.sentAt !== undefined) onStart(now() - job.sentAt);
  const { tokens = 0, startAt = 0, gap } = job;
  if (tokens === 0) return;
  await delay(Math.max(0, startAt - now()));
  for (let n = 0; n < tokens; n++) {
    emit({ n, at: now(), delta: 'A few words ' });
    await (gap === undefined ? turn() : delay(Math.max(0, startAt + (n + 1) * gap - now())));
  }
}

/** A job in what a system gives to its handler. */
export function readJob(value: unknown): Job {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    ['sentAt', 'startAt', 'tokens', 'gap'].flatMap((key) => {
      const part: unknown = Reflect.get(value, key);
      return typeof part === 'number' ? [[key, part]] : [];
    }),
  );
}
