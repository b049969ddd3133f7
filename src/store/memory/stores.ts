import { randomBytes } from 'node:crypto';
import type { Change } from '../change.ts';
import type { Owner } from '../owner.ts';
import { createCursors } from '../rules/cursor.ts';
import type { Stores } from '../stores.ts';
import { createAssistants } from './assistants.ts';
import { Database } from './database.ts';
import { createRuns } from './runs.ts';
import { createThreads } from './threads.ts';

/** What the stores need from outside. */
export interface StoreOptions {
  /** Told of all changes of a mutation together, once they are stored, in the order of the mutations. Must not throw. */
  readonly publish?: (owner: Owner, changes: readonly Change[]) => void;
  /** The time, in milliseconds since 1970. */
  readonly now?: () => number;
}

/** Stores in memory, which answer at once. Nothing in them outlives the process, their cursors' key included. */
export function createMemoryStores({ publish = () => {}, now = Date.now }: StoreOptions = {}): Stores {
  return createStores(new Database({ publish, now, cursors: createCursors(randomBytes(32)) }));
}

/** The stores of a database, which answer at once. */
export function createStores(database: Database): Stores {
  return {
    assistants: createAssistants(database),
    threads: createThreads(database),
    runs: createRuns(database),
  };
}
