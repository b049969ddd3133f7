import { MAX_JSON_BYTES } from '../store/rules/json.ts';
import { refuseText } from '../store/rules/text.ts';
import type { JsonObject } from './claimed-run.ts';
import { jsonTextOf } from './json-text.ts';
import type { CallRefusal, LeaseResult } from './worker-calls.ts';

/** Milliseconds in which events are gathered. */
const GATHER_TIME = 50;
/** Characters of gathered events that are sent at once. */
const GATHER_LENGTH = 32_768;
/** Events of one call, and their characters: the server accepts 100 and 512 KiB. */
const MAX_EVENTS = 100;
const MAX_LENGTH = 131_072;
/** Characters of waiting events from which on `emit` asks its caller to wait. */
const HIGH_WATER = 1_048_576;

interface Options {
  /** Stores events. @param offset how many were stored before */
  readonly append: (offset: number, events: readonly string[]) => Promise<LeaseResult>;
  /** Called when the server refuses events: there are too many of the run. */
  readonly onRefused: (refusal: CallRefusal) => void;
}

/** The events of one attempt, gathered and sent in order. */
export interface EventSender {
  /** Adds an event. See {@link ClaimedRun.emit}. */
  emit(type: string, data: JsonObject): Promise<void>;
  /** Sends all events that were added. Resolves once they are stored, or dropped; it waits for none that are added later. */
  flush(): Promise<void>;
  /** Drops what is added later. */
  close(): void;
  /** Drops what waits, and what is added later. */
  stop(): void;
}

/** Creates the sender of an attempt's events. */
export function createEventSender({ append, onRefused }: Options): EventSender {
  let waiting: string[] = [];
  let length = 0;
  let added = 0;
  let offset = 0;
  let isClosed = false;
  let isStopped = false;
  let timer: NodeJS.Timeout | null = null;
  /** Whether what waits is sent as soon as the batch before it is stored: else it is gathered until the timer ends. */
  let isDue = false;
  /** The batch that is being sent. */
  let sending: Promise<void> | null = null;

  async function flush(): Promise<void> {
    const end = added;
    send();
    await sendingUntil(() => offset >= end || isStopped);
  }

  /** Resolves once a condition is true after a batch, or nothing is left to send. */
  async function sendingUntil(isDone: () => boolean): Promise<void> {
    for (let batch = sending; batch !== null && !isDone(); batch = sending) await batch;
  }

  /** Sends what waits, batch after batch. */
  function send(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    isDue = waiting.length > 0;
    if (sending === null && isDue) sending = sendBatch();
  }

  async function sendBatch(): Promise<void> {
    const events = takeBatch();
    isDue &&= waiting.length > 0;
    const result = await append(offset, events);
    offset += events.length;
    if ('refusal' in result) {
      stop();
      onRefused(result.refusal);
    }
    // The next batch begins before anything that waits for this one continues.
    sending = isDue ? sendBatch() : null;
  }

  function takeBatch(): readonly string[] {
    let size = 0;
    const end = waiting.findIndex((event, index) => {
      size += event.length;
      return index === MAX_EVENTS || (index > 0 && size > MAX_LENGTH);
    });
    const events = waiting.splice(0, end === -1 ? waiting.length : end);
    for (const event of events) length -= event.length;
    return events;
  }

  function stop(): void {
    isStopped = true;
    isDue = false;
    waiting = [];
    length = 0;
  }

  return {
    emit(type, data) {
      const refusal = refuseText('type', type);
      if (refusal !== null) throw new TypeError(refusal.message);
      const event = `{"type":${JSON.stringify(type)},"data":${jsonTextOf('data', data, MAX_JSON_BYTES)}}`;
      if (isStopped || isClosed) return Promise.resolve();
      waiting.push(event);
      added++;
      length += event.length;
      if (length >= GATHER_LENGTH) send();
      else timer ??= setTimeout(send, GATHER_TIME);
      return length < HIGH_WATER ? Promise.resolve() : sendingUntil(() => length < HIGH_WATER);
    },
    flush,
    close() {
      isClosed = true;
    },
    stop,
  };
}
