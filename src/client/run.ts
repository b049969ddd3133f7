/** The status of a run. */
export type RunStatus = 'PENDING' | 'RUNNING' | 'SUCCESS' | 'ERROR' | 'TIMEOUT' | 'INTERRUPTED' | 'CANCELLED';

type JsonObject = Readonly<Record<string, unknown>>;

/** A run that has just been created, or was found. */
export interface RunRef {
  readonly id: string;
  readonly threadId: string;
}

/** What a front end reads of a run. */
export interface RunRecord extends RunRef {
  readonly status: RunStatus;
  readonly input: JsonObject | null;
  readonly metadata: JsonObject;
}

/** How a run has ended. */
export interface RunEnd {
  readonly status: RunStatus;
  readonly output?: JsonObject | null;
  readonly error?: { readonly code: string; readonly message: string } | null;
  readonly interrupt?: JsonObject | null;
}

/** What a new run does to the active runs of its thread. */
export type MultitaskStrategy = 'ENQUEUE' | 'REJECT' | 'INTERRUPT' | 'ROLLBACK';

/** An answer to an interrupt, as AG-UI has it. */
export interface ResumeEntry {
  readonly interruptId: string;
  readonly status: 'resolved' | 'cancelled';
  readonly payload?: unknown;
}

/** The input of a run that a front end creates, as AG-UI's `RunAgentInput` has it. */
export interface FrontEndInput {
  /** The conversation so far, as AG-UI's messages. */
  readonly messages: readonly unknown[];
  readonly state?: unknown;
  readonly tools: readonly unknown[];
  readonly context: readonly unknown[];
  readonly forwardedProps?: unknown;
  /** The answers to an interrupted run. */
  readonly resume?: readonly ResumeEntry[];
}

/** How a front end creates and cancels its runs. */
export interface RunOptions {
  /** The assistant whose runs are created. */
  readonly assistantId: string;
  /** What a new run does to the active runs of its thread. Default: `ENQUEUE`. */
  readonly multitaskStrategy?: MultitaskStrategy;
  /** Seconds from a run's start until the server ends it with TIMEOUT. Default: no limit. */
  readonly timeoutSeconds?: number;
  /** How often workers may begin a run. Default: 3. */
  readonly maxAttempts?: number;
  /** Makes the `input` of a run from the front end's, for a worker that expects another one. Default: the front end's. */
  readonly toRunInput?: (input: FrontEndInput) => JsonObject;
  /**
   * What happens to the checkpoint of a cancelled run: `INTERRUPT` keeps it as the thread's values, `ROLLBACK` drops
   * it. Default: `INTERRUPT`.
   */
  readonly cancelAction?: 'INTERRUPT' | 'ROLLBACK';
}
