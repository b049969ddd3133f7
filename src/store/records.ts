/** Any JSON value. Values in records are deeply frozen, so that they can be shared. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** The fields of every resource. Ids are UUID v4 as 32 lowercase hex digits; times are RFC 3339 in UTC with milliseconds. */
interface Resource {
  readonly id: string;
  /** The caller's labels, and the key `owner`, which is always the record's owner. */
  readonly metadata: JsonObject;
  readonly createdAt: string;
  /** Increases with every change of the record, even within one millisecond. */
  readonly updatedAt: string;
}

/** A configured agent. */
export interface Assistant extends Resource {
  readonly graphId: string;
  readonly name: string;
  readonly description: string | null;
  readonly config: JsonObject;
  readonly context: JsonObject;
  /** 1 when created, incremented by each update. */
  readonly version: number;
}

/** A conversation. */
export interface Thread extends Resource {
  readonly status: ThreadStatus;
  /** The run whose output is the thread's `values`: the one that ended last with an output. Null where there is none. */
  readonly valuesRunId: string | null;
}

/** One execution of an assistant on a thread. */
export interface Run extends Resource {
  readonly threadId: string;
  readonly assistantId: string;
  readonly status: RunStatus;
  /** The position of the run's end among those of its thread's runs, from 1: the highest ended last. Null until it ends. */
  readonly ended: number | null;
  /** Whether it has an input, an output and a checkpoint: these are stored apart, and read only when they are selected. */
  readonly hasInput: boolean;
  readonly hasOutput: boolean;
  readonly hasCheckpoint: boolean;
  /** Why it failed; null unless its status is ERROR or TIMEOUT. */
  readonly error: RunError | null;
  /** What an INTERRUPTED run asks a person. */
  readonly interrupt: JsonObject | null;
  /** The id of the INTERRUPTED run that it answers. */
  readonly resumes: string | null;
  readonly multitaskStrategy: MultitaskStrategy;
  /** The number of the latest attempt, 0 before the first one. A release takes its attempt back. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Seconds from `startedAt` until it ends with TIMEOUT; null for no limit. */
  readonly timeoutSeconds: number | null;
  /** The assistant's version that the latest attempt was given. */
  readonly assistantVersion: number | null;
  /** The name of the worker that holds it. */
  readonly worker: string | null;
  /** The earliest time of a claim. Null while a worker holds it, once an update has set it RUNNING, and once it has ended. */
  readonly availableAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly cancelRequestedAt: string | null;
  /** The trace of the request that created it: https://www.w3.org/TR/trace-context/#traceparent-header */
  readonly traceparent: string | null;
}

/** Why a run failed. */
export interface RunError {
  readonly code: string;
  readonly message: string;
  readonly details: JsonObject | null;
}

/** What a new run does to the active runs of its thread. */
export const MULTITASK_STRATEGIES = ['ENQUEUE', 'REJECT', 'INTERRUPT', 'ROLLBACK'] as const;
/** See {@link MULTITASK_STRATEGIES}. */
export type MultitaskStrategy = (typeof MULTITASK_STRATEGIES)[number];

/** What is done with the checkpoint of a run that is cancelled: it becomes the output, or is dropped. */
export const CANCEL_ACTIONS = ['INTERRUPT', 'ROLLBACK'] as const;
/** See {@link CANCEL_ACTIONS}. */
export type CancelAction = (typeof CANCEL_ACTIONS)[number];

/** Every status of a thread. */
export const THREAD_STATUSES = ['IDLE', 'BUSY', 'INTERRUPTED', 'ERROR'] as const;
/** The status of a thread, which follows from its runs. */
export type ThreadStatus = (typeof THREAD_STATUSES)[number];

/** Every status of a run. */
export const RUN_STATUSES = [
  'PENDING',
  'RUNNING',
  'SUCCESS',
  'ERROR',
  'TIMEOUT',
  'INTERRUPTED',
  'CANCELLED',
] as const;
/** The status of a run. */
export type RunStatus = (typeof RUN_STATUSES)[number];

/** The input of a new assistant. A null is refused where the record cannot have one. */
export interface NewAssistant {
  readonly graphId: string;
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly config?: JsonObject | null | undefined;
  readonly context?: JsonObject | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** The input of a changed assistant. Undefined fields stay as they are. */
export interface AssistantPatch extends Omit<NewAssistant, 'graphId' | 'idempotencyKey'> {
  /** The patch is refused where the assistant has another version. Default: any version. */
  readonly expectedVersion?: number | null | undefined;
  readonly graphId?: string | null | undefined;
}

/** The input of a new thread. */
export interface NewThread {
  readonly metadata?: JsonObject | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** The input of a changed thread. Undefined fields stay as they are. */
export type ThreadPatch = Pick<NewThread, 'metadata'>;

/** The input of a new run. */
export interface NewRun {
  /** Default: a new thread. */
  readonly threadId?: string | null | undefined;
  readonly assistantId: string;
  readonly metadata?: JsonObject | null | undefined;
  readonly input?: JsonObject | null | undefined;
  readonly resumes?: string | null | undefined;
  /** Default: ENQUEUE. */
  readonly multitaskStrategy?: MultitaskStrategy | undefined;
  /** 0 to 2,592,000. Default: 0. */
  readonly delaySeconds?: number | undefined;
  /** 1 to 604,800. Default: no limit. */
  readonly timeoutSeconds?: number | null | undefined;
  /** 1 to 100. Default: 3. */
  readonly maxAttempts?: number | undefined;
  readonly idempotencyKey?: string | null | undefined;
  /** The trace of the request, not a part of the client's input. Default: none. */
  readonly traceparent?: string | null | undefined;
}

/** The input of a changed run. Undefined fields stay as they are. */
export interface RunPatch {
  readonly status?: RunStatus | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
}
