/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a claim gives to a worker. See `Claim` in the schema. */
export interface Claim {
  /** Names this attempt in each later call. */
  readonly lease: string;
  /** The owner of the run. */
  readonly owner: string;
  /** The run's id, the same in each attempt. */
  readonly id: string;
  readonly threadId: string;
  readonly assistantId: string;
  /** The assistant's version at the claim. */
  readonly assistantVersion: number;
  readonly graphId: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** The assistant's `config`. */
  readonly config: JsonObject;
  /** The assistant's `context`. */
  readonly context: JsonObject;
  /** The `input` of `createRun`; null without one. */
  readonly input: JsonObject | null;
  /** The thread's values: the output of the last run that ended with one; null without one. */
  readonly values: JsonObject | null;
  /** What an earlier attempt of this run saved last; null without one. */
  readonly checkpoint: JsonObject | null;
  /** The id of the interrupted run that this one answers; null for none. */
  readonly resumes: string | null;
  /** The run's `metadata`. */
  readonly metadata: JsonObject;
  /** Seconds from the claim until the server ends the run with TIMEOUT; null for no limit. */
  readonly secondsLeft: number | null;
  /** The W3C trace context of the request that created the run: https://www.w3.org/TR/trace-context/ */
  readonly traceparent: string | null;
}

/** A run that a handler executes. */
export interface ClaimedRun extends Omit<Claim, 'lease'> {
  /** Aborted when the handler is to stop. Its `reason` is a {@link RunAborted}. Give it to `fetch` and the like. */
  readonly signal: AbortSignal;

  /**
   * Adds an event, which readers of the run get in order. Events are sent in batches, 50 ms after the first of them or at
   * 32 KiB, and again until they are stored.
   * @param type 1 to 64 characters. AG-UI's names are understood by front ends: https://docs.ag-ui.com/concepts/events
   * @param data a JSON object of at most 64 KiB and 32 levels. Default: {}.
   * @returns a promise that resolves once less than 1 MiB waits to be sent. It never rejects, so handlers that emit little
   *   need not await it. What is emitted once the handler has ended is dropped.
   * @throws {TypeError} when the event could never be stored
   */
  emit(type: string, data?: JsonObject): Promise<void>;

  /**
   * Saves the state that a new attempt continues from, after all events that were emitted before.
   * @param values a JSON object of at most 512 KiB and 32 levels
   * @returns a promise that resolves once it is stored. It rejects with {@link RunAborted} when the run is lost or the handler
   *   has ended, and with a TypeError when the values cannot be stored. The run ends after all saves.
   */
  save(values: JsonObject): Promise<void>;

  /**
   * Ends the run with INTERRUPTED: it asks a person, and a later run of the thread answers it (`resumes`).
   * @param question a JSON object, which callers read as the run's `interrupt`
   * @param output the run's output, which becomes the thread's values. Default: the last `save`.
   * @throws {RunInterrupted} always, to leave the handler
   */
  interrupt(question: JsonObject, output?: JsonObject): never;
}

/**
 * Executes a run. What it returns is the run's output; without a value, the last `save` is. What it throws is the run's
 * error: a {@link RunFailure} says whether to try again; after anything else the run is tried again.
 */
// oxlint-disable-next-line typescript/no-invalid-void-type -- a handler need not return anything
export type RunHandler = (run: ClaimedRun) => Promise<JsonObject | null | void> | JsonObject | null | void;
