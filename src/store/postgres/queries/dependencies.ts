import type { Cursors } from '../../rules/cursor.ts';
import type { Database } from '../client/database.ts';
import type { SnapshotReader } from '../client/snapshot-reader.ts';

/** What the stores of one request are made of. */
export interface StoreDependencies {
  readonly database: Database;
  readonly reader: SnapshotReader;
  readonly cursors: Cursors;
  /** The current time, in milliseconds since 1970. */
  readonly now: () => number;
}
