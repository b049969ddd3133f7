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
}

/** One execution of an assistant on a thread. */
export interface Run extends Resource {
  readonly threadId: string;
  readonly assistantId: string;
  readonly status: RunStatus;
  /** The position of the run's end among those of its thread's runs, from 1: the highest ended last. Null until it ends. */
  readonly ended: number | null;
}

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
}

/** The input of a changed assistant. Undefined fields stay as they are. */
export interface AssistantPatch extends Omit<NewAssistant, 'graphId'> {
  /** The patch is refused where the assistant has another version. Default: any version. */
  readonly expectedVersion?: number | null | undefined;
  readonly graphId?: string | null | undefined;
}

/** The input of a new thread. */
export interface NewThread {
  readonly metadata?: JsonObject | null | undefined;
}

/** The input of a changed thread. Undefined fields stay as they are. */
export type ThreadPatch = NewThread;

/** The input of a new run. */
export interface NewRun {
  readonly threadId: string;
  readonly assistantId: string;
  readonly metadata?: JsonObject | null | undefined;
}

/** The input of a changed run. Undefined fields stay as they are. */
export interface RunPatch {
  readonly status?: RunStatus | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
}
