import { randomBytes } from 'node:crypto';
import { createCursors } from '../rules/cursor.ts';
import type { StoreOptions } from '../store-options.ts';
import type { Stores } from '../stores.ts';
import { createAssistants } from './assistants.ts';
import { Database } from './database.ts';
import { createRuns } from './runs.ts';
import { createThreads } from './threads.ts';

/** Opens empty stores in memory, which are lost with the process, as is the key that signs their cursors. */
export function createMemoryStores({ publish = () => {}, now = Date.now }: StoreOptions = {}): Stores {
  return createStores(new Database({ publish, now, cursors: createCursors(randomBytes(32)) }));
}

/** The stores of a database. */
export function createStores(database: Database): Stores {
  return {
    assistants: createAssistants(database),
    threads: createThreads(database),
    runs: createRuns(database),
  };
}
