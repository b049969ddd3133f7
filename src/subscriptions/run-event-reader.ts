import { MAX_BYTES_OF_BATCH, MAX_EVENTS_OF_BATCH } from '../limits.ts';
import type { AppendedEvents, EventPage, RunEvent } from '../store/execution.ts';
import type { Owner } from '../store/owner.ts';
import type { RunStatus } from '../store/records.ts';
import type { RunSignal } from './run-watchers.ts';
import type { WaitingRequest } from './waiting-request.ts';

/** Events of a run that came together. */
export interface RunEventBatch {
  readonly events: readonly RunEvent[];
  /** The `seq` of the last event that was sent. */
  readonly last: number;
  /** The events up to this `seq` are not kept any more, though they were asked for. */
  readonly missedUpTo: number | null;
  readonly status: RunStatus;
  /** Whether the run has ended, and this is all. */
  readonly done: boolean;
}

type Request = Pick<WaitingRequest, 'stores' | 'changes'>;

/**
 * Reads a run's events: those that are stored, then those that are appended, each once and in order, until the run has
 * ended. It is over at once where there is no such run.
 * @param after the `seq` of the last event that is not sent
 */
export function readRunEvents(
  request: Request,
  owner: Owner,
  runId: string,
  after: number,
): AsyncIterableIterator<RunEventBatch, undefined> {
  return new RunEventReader(request, owner, runId, after);
}

class RunEventReader implements AsyncIterableIterator<RunEventBatch, undefined> {
  readonly #request: Request;
  readonly #owner: Owner;
  readonly #runId: string;
  readonly #unwatch: () => void;
  #last: number;
  /** Appended events that were not read yet. Null when the store has to be read. */
  #appended: AppendedEvents[] | null = null;
  /** The number and the bytes of these events. */
  #unread = { events: 0, bytes: 0 };
  #isFirst = true;
  #isOver = false;
  #resume: (() => void) | null = null;

  constructor(request: Request, owner: Owner, runId: string, after: number) {
    this.#request = request;
    this.#owner = owner;
    this.#runId = runId;
    this.#last = after;
    this.#unwatch = request.changes.watchRun(
      owner,
      runId,
      (signal) => this.#onSignal(signal),
      () => this.#knownSeq(),
    );
  }

  async next(): Promise<IteratorResult<RunEventBatch, undefined>> {
    while (!this.#isOver) {
      const batch = this.#appended === null ? await this.#read() : this.#takeAppended();
      if (this.#isOver && batch === null) break;
      if (batch === null) {
        await this.#signal();
        continue;
      }
      this.#last = batch.last;
      if (batch.done) this.#end();
      const mustSend = batch.events.length > 0 || batch.done || this.#isFirst;
      this.#isFirst = false;
      if (mustSend) return { value: batch, done: false };
    }
    return { value: undefined, done: true };
  }

  async return(): Promise<IteratorResult<RunEventBatch, undefined>> {
    this.#end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The `seq` up to which it knows of events: of all where it reads the store next. */
  #knownSeq(): number {
    if (this.#appended === null) return Infinity;
    return this.#appended.at(-1)?.events.at(-1)?.seq ?? this.#last;
  }

  #end(): void {
    this.#isOver = true;
    this.#unwatch();
    this.#resume?.();
  }

  /** Reads the store. Null where there is no such run: then the reader ends. */
  async #read(): Promise<RunEventBatch | null> {
    // What is appended while the store is read is taken after it.
    this.#expectAppended();
    const range = { after: this.#last, limit: MAX_EVENTS_OF_BATCH, maxBytes: MAX_BYTES_OF_BATCH };
    const page = await this.#request.stores.runs.events(this.#owner, this.#runId, range);
    if (page === null) {
      this.#end();
      return null;
    }
    const last = page.events.at(-1)?.seq ?? Math.max(this.#last, page.missedUpTo ?? 0);
    // There may be more than fits into one batch.
    if (page.events.length > 0 && last < page.lastSeq) this.#appended = null;
    return batchOf(page, last);
  }

  /** The events that were appended since the last batch; null where there are none. */
  #takeAppended(): RunEventBatch | null {
    const appended = this.#appended ?? [];
    const latest = appended.at(-1);
    if (latest === undefined) return null;
    this.#expectAppended();
    const events = appended.flatMap((one) => one.events).filter(({ seq }) => seq > this.#last);
    const isWhole = events.every(({ seq }, index) => seq === this.#last + index + 1);
    if (events.length === 0 || !isWhole) {
      // All of them were read already, or some are missing or out of order: then the store is read.
      if (!isWhole || latest.run.ended !== null) this.#appended = null;
      return null;
    }
    const last = events.at(-1)?.seq ?? this.#last;
    return { events, last, missedUpTo: null, status: latest.run.status, done: latest.run.ended !== null };
  }

  #onSignal({ run, events }: RunSignal): void {
    if (run !== null && events !== null && events.length > 0) this.#keep({ run, events });
    // A change alone says nothing about events, but that there are no more.
    else if (run === null || run.ended !== null || events !== null) this.#appended = null;
    this.#resume?.();
  }

  /** Keeps events for the next batch. Where they are too many for one, they are read from the store later. */
  #keep(appended: AppendedEvents): void {
    const unread = this.#unread;
    unread.events += appended.events.length;
    for (const { data } of appended.events) unread.bytes += data.length;
    if (unread.events > MAX_EVENTS_OF_BATCH || unread.bytes > MAX_BYTES_OF_BATCH) this.#appended = null;
    else this.#appended?.push(appended);
  }

  #expectAppended(): void {
    this.#appended = [];
    this.#unread = { events: 0, bytes: 0 };
  }

  async #signal(): Promise<void> {
    if (this.#appended === null || this.#appended.length > 0 || this.#isOver) return;
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
    this.#resume = null;
  }
}

function batchOf({ run, events, missedUpTo, lastSeq }: EventPage, last: number): RunEventBatch {
  return { events, last, missedUpTo, status: run.status, done: run.ended !== null && last >= lastSeq };
}
