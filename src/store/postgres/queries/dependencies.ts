import type { Cursors } from '../../rules/cursor.ts';
import type { Clock } from '../client/clock.ts';
import type { Database } from '../client/database.ts';
import type { SnapshotReader } from '../client/snapshot-reader.ts';
import type { Announcer } from '../notifications/announcer.ts';

/** What the stores of one request are made of. */
export interface StoreDependencies {
  readonly database: Database;
  readonly reader: SnapshotReader;
  readonly cursors: Cursors;
  readonly announcer: Announcer;
  /** The current time for assistants and threads, in milliseconds since 1970. */
  readonly now: () => number;
  /** The current time for runs: by default the database's, whatever the clocks of the servers say. */
  readonly clock: Clock;
  /** How long events are kept after their run's end, in milliseconds. */
  readonly eventRetention: number;
}
