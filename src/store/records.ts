/** Any JSON value. Stored values are frozen all the way down, so that giving one out shares nothing. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** What every resource has. Ids are UUID v4 as 32 lowercase hex digits; times are RFC 3339, UTC, milliseconds. */
interface Resource {
  readonly id: string;
  /** Caller-defined labels, and `owner`, which always holds the owner. */
  readonly metadata: JsonObject;
  readonly createdAt: string;
  /** Grows with every change of the record, also of two changes within one millisecond. */
  readonly updatedAt: string;
}

/** A configured agent. */
export interface Assistant extends Resource {
  readonly graphId: string;
  readonly name: string;
  readonly description: string | null;
  readonly config: JsonObject;
  readonly context: JsonObject;
  /** 1 when created, and one more after each update. */
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
  /** The place of this run's end among its thread's: the greatest ended last. Null until it ends. */
  readonly ended: number | null;
}

/** Every status of a thread. */
export const THREAD_STATUSES = ['IDLE', 'BUSY', 'INTERRUPTED', 'ERROR'] as const;
/** What a thread is doing. */
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
/** How far a run has got. */
export type RunStatus = (typeof RUN_STATUSES)[number];

/** What a caller gives for a new assistant. Null is refused where the record cannot hold it. */
export interface NewAssistant {
  readonly graphId: string;
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly config?: JsonObject | null | undefined;
  readonly context?: JsonObject | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
}

/** What a caller changes of an assistant. What is left out stays. */
export interface AssistantChanges extends Omit<NewAssistant, 'graphId'> {
  readonly graphId?: string | null | undefined;
}

/** What a caller gives for a new thread. */
export interface NewThread {
  readonly metadata?: JsonObject | null | undefined;
}

/** What a caller changes of a thread. */
export type ThreadChanges = NewThread;

/** What a caller gives for a new run. */
export interface NewRun {
  readonly threadId: string;
  readonly assistantId: string;
  readonly metadata?: JsonObject | null | undefined;
}

/** What a caller changes of a run. */
export interface RunChanges {
  readonly status?: RunStatus | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
}
