import type { DatabaseConfig } from './postgres/client/database-config.ts';

/** Where the data is kept: in a folder, in PostgreSQL or, with neither, in memory. Never in both. */
export interface Storage {
  /** The folder; null where the data is not kept on disk. */
  readonly dataDir: string | null;
  /** The PostgreSQL that holds the data; null where there is none. */
  readonly database: DatabaseConfig | null;
}
