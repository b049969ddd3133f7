import { MAX_BYTES_OF_BATCH, MAX_EVENTS_OF_BATCH } from '../limits.ts';
import type { AppendedEvents, EventPage, RunEvent } from '../store/execution.ts';
import type { Owner } from '../store/owner.ts';
import type { Run, RunStatus } from '../store/records.ts';
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
  /** The pending call of `next`. */
  #pending: ((next: Promise<Next>) => void) | null = null;

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

  /** No async function, which would take more memory while it waits: there may be thousands of readers. */
  next(): Promise<Next> {
    if (this.#isOver) return Promise.resolve(OVER);
    const batch = this.#takeAppended();
    if (batch !== null && this.#mustSend(batch)) return Promise.resolve({ value: batch, done: false });
    if (this.#appended === null) return this.#readNext();
    return new Promise((resolve) => {
      this.#pending = resolve;
    });
  }

  async return(): Promise<Next> {
    this.#end();
    return OVER;
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
    this.#resume();
  }

  async #readNext(): Promise<Next> {
    const batch = await this.#read();
    if (batch !== null && this.#mustSend(batch)) return { value: batch, done: false };
    return this.next();
  }

  /** Notes that a batch was read. Returns whether it is to be sent. */
  #mustSend({ events, last, done }: RunEventBatch): boolean {
    this.#last = last;
    if (done) this.#end();
    const mustSend = events.length > 0 || done || this.#isFirst;
    this.#isFirst = false;
    return mustSend;
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
    // The readers that get all of one call are sent the same batch.
    if (appended.length === 1 && latest.events[0]?.seq === this.#last + 1) return sharedBatch(latest);
    const events = appended.flatMap((one) => one.events).filter(({ seq }) => seq > this.#last);
    const isWhole = events.every(({ seq }, index) => seq === this.#last + index + 1);
    if (events.length === 0 || !isWhole) {
      // All of them were read already, or some are missing or out of order: then the store is read.
      if (!isWhole || latest.run.ended !== null) this.#appended = null;
      return null;
    }
    return batchOfAppended(latest.run, events);
  }

  #onSignal({ run, events }: RunSignal): void {
    if (run !== null && events !== null && events.length > 0) this.#keep({ run, events });
    // A change alone says nothing about events, but that there are no more.
    else if (run === null || run.ended !== null || events !== null) this.#appended = null;
    if (this.#appended === null || this.#appended.length > 0) this.#resume();
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

  /** Resumes the pending call, once the mutation that is being published is over. */
  #resume(): void {
    const pending = this.#pending;
    this.#pending = null;
    if (pending !== null) pending(NOW.then(() => this.next()));
  }
}

type Next = IteratorResult<RunEventBatch, undefined>;

const OVER: Next = { value: undefined, done: true };
const NOW = Promise.resolve();

/** The events of the latest call that were sent to a reader. */
let shared: { readonly events: readonly RunEvent[]; readonly batch: RunEventBatch } | null = null;

function sharedBatch({ run, events }: AppendedEvents): RunEventBatch {
  if (shared?.events !== events) shared = { events, batch: batchOfAppended(run, events) };
  return shared.batch;
}

function batchOfAppended(run: Run, events: readonly RunEvent[]): RunEventBatch {
  const last = events.at(-1)?.seq ?? 0;
  return { events, last, missedUpTo: null, status: run.status, done: run.ended !== null };
}

function batchOf({ run, events, missedUpTo, lastSeq }: EventPage, last: number): RunEventBatch {
  return { events, last, missedUpTo, status: run.status, done: run.ended !== null && last >= lastSeq };
}
