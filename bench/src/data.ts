import { createHash } from 'node:crypto';
import type { OwnedRecord } from '../../dist/store/archive.js';
import { Database } from '../../dist/store/memory/database.js';
import { createStores } from '../../dist/store/memory/stores.js';
import { MemoryEventLog } from '../../dist/store/memory/event-log.js';
import { DEFAULT_EVENT_RETENTION, type StoreOptions } from '../../dist/store/store-options.js';
import { asOwner, type Owner } from '../../dist/store/owner.js';
import type { Assistant, Run, Thread } from '../../dist/store/records.js';
import { createCursors } from '../../dist/store/rules/cursor.js';
import { createLeaseTokens } from '../../dist/store/rules/lease-token.js';
import type { OpenedStores, Stores } from '../../dist/store/stores.js';

/** Whose requests are measured. The records are the same whoever else there is. */
export const OWNER = 'bench';
/** The measured owner's records: the ids that requests ask for are among them. */
export const ASSISTANTS = 50;
export const THREADS = 1_000;
const RUNS_OF_THREAD = 5;
/** Owners, with the measured one, of all threads beyond its own. */
const OWNERS = 10_000;

const EPOCH = Date.UTC(2026, 0, 1);

/**
 * The same records, ids and times in every process: owner by owner, what others refer to first.
 * @param threads none, 1,000 of the measured owner, or as many more of other owners
 */
export function* recordsOf(threads: number): Generator<OwnedRecord, void> {
  if (threads === 0) return;
  const measured = asOwner(OWNER);
  for (let index = 0; index < ASSISTANTS; index++) {
    yield { owner: measured, resource: 'assistant', before: null, after: assistant(measured, index) };
  }
  for (let index = 0; index < THREADS; index++) {
    yield { owner: measured, resource: 'thread', before: null, after: thread(measured, index) };
  }
  for (let index = 0; index < THREADS * RUNS_OF_THREAD; index++) {
    const after = run(measured, Math.floor(index / RUNS_OF_THREAD), index);
    yield { owner: measured, resource: 'run', before: null, after };
  }
  for (let nth = 0; nth < OWNERS - 1; nth++) {
    const owner = asOwner(`owner-${nth}`);
    for (let index = THREADS + nth; index < threads; index += OWNERS - 1) {
      yield { owner, resource: 'thread', before: null, after: thread(owner, index) };
    }
  }
}

/** What signs the cursors, so that they are the same everywhere. */
export const CURSOR_KEY = createHash('sha256').update('cursors').digest();

/** Stores in memory that hold the records. */
export function createFilledStores(
  threads: number,
  publish: NonNullable<StoreOptions['publish']> = () => {},
): Stores {
  let isFilled = false;
  const database = new Database({
    publish(owner, { changes }) {
      if (isFilled) publish(owner, changes);
    },
    onReady: () => {},
    onLeaseLost: () => {},
    now: Date.now,
    cursors: createCursors(CURSOR_KEY),
    tokens: createLeaseTokens(CURSOR_KEY),
    events: new MemoryEventLog(),
    eventRetention: DEFAULT_EVENT_RETENTION,
    eventMemory: Infinity,
  });
  for (const { owner, ...creation } of recordsOf(threads)) database.commit(owner, [creation]);
  isFilled = true;
  return createStores(database);
}

/** The same as a process opens them. */
export function openFilledStores(
  threads: number,
  publish: NonNullable<StoreOptions['publish']>,
): OpenedStores {
  const stores = createFilledStores(threads, publish);
  return {
    forRequest: () => stores,
    isReady: () => true,
    loadedCounts: null,
    sweep: () => {},
    close: () => {},
  };
}

/** How many threads this process was told to hold. */
export function threadsToHold(): number {
  return Number(process.env.BENCH_THREADS ?? 0);
}

/** The id of a record: 32 hexadecimal digits, the same everywhere. */
export function idOf(resource: 'assistant' | 'thread' | 'run', index: number): string {
  return createHash('sha256').update(`${resource} ${index}`).digest('hex').slice(0, 32);
}

function assistant(owner: Owner, index: number): Assistant {
  return Object.freeze({
    id: idOf('assistant', index),
    graphId: `graph-${index % 7}`,
    name: `Assistant ${index}`,
    description: `Answers what customers of shop ${index} ask.`,
    config: Object.freeze({ model: 'large', temperature: 0.2, tools: Object.freeze(['search', 'orders']) }),
    context: Object.freeze({ shop: index, language: 'en' }),
    metadata: Object.freeze({ team: `team-${index % 5}`, owner }),
    version: 1 + (index % 9),
    ...times(index),
  });
}

function thread(owner: Owner, index: number): Thread {
  return Object.freeze({
    id: idOf('thread', index),
    status: 'IDLE',
    valuesRunId: null,
    metadata: Object.freeze({ title: `Conversation ${index}`, channel: 'web', owner }),
    ...times(index),
  });
}

function run(owner: Owner, threadIndex: number, index: number): Run {
  return Object.freeze({
    id: idOf('run', index),
    threadId: idOf('thread', threadIndex),
    assistantId: idOf('assistant', index % ASSISTANTS),
    status: 'SUCCESS',
    ended: index,
    hasInput: false,
    hasOutput: false,
    hasCheckpoint: false,
    error: null,
    interrupt: null,
    resumes: null,
    multitaskStrategy: 'ENQUEUE',
    attempt: 0,
    maxAttempts: 3,
    timeoutSeconds: null,
    assistantVersion: null,
    worker: null,
    availableAt: null,
    startedAt: null,
    finishedAt: times(index).updatedAt,
    cancelRequestedAt: null,
    traceparent: null,
    metadata: Object.freeze({ owner }),
    ...times(index),
  });
}

/** Created one after the other; changed in another order. */
function times(index: number): { readonly createdAt: string; readonly updatedAt: string } {
  const created = EPOCH + index * 1_000;
  const updated = created + ((index * 7_919) % 1_000_003) * 10;
  return { createdAt: new Date(created).toISOString(), updatedAt: new Date(updated).toISOString() };
}
