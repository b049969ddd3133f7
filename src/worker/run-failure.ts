/** The options of a failure. */
export interface RunFailureOptions {
  /** A code for programs that read the error: not blank, at most 64 characters. Default: WORKER_ERROR. */
  readonly code?: string;
  /** More about the failure, as JSON of at most 64 KiB. Default: none. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Whether the run may be tried again, while it has attempts left. Default: false. */
  readonly retry?: boolean;
  /** Seconds until the next attempt, with `retry`: 0 to 2,592,000. Default: 1, 2, 4 … 60, longer each time. */
  readonly retryAfterSeconds?: number;
  /** The error that caused it, for the worker's own log. It is not sent. */
  readonly cause?: unknown;
}

/** A failure that a handler throws on purpose, and that callers read in the run's `error`. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>> | null;
  readonly retry: boolean;
  readonly retryAfterSeconds: number | null;

  constructor(message: string, options: RunFailureOptions = {}) {
    super(message, { cause: options.cause });
    this.code = options.code ?? 'WORKER_ERROR';
    this.details = options.details ?? null;
    this.retry = options.retry ?? false;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}
