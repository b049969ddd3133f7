import type { Config } from '../config.ts';
import type { Owner } from './owner.ts';
import type { Creation } from './rules/stored.ts';

/** A record, and whose it is. */
export type Stored = Creation & { readonly owner: Owner };

/**
 * All that stores hold, to be moved as a whole. Records come sorted: owners by Unicode code point, of each owner the
 * assistants, then the threads, then the runs, and each of these by id.
 */
export interface Archive {
  /**
   * Gives all records away, a few at a time, as they were at one moment.
   * @param take is done when it can take more
   * @throws StoreError when they cannot be read, or a server uses a folder of them
   */
  read(take: (records: readonly Stored[]) => Promise<void>): Promise<void>;
  /**
   * Takes records in: all of them, or none when anything fails, the iteration included. They must keep all rules.
   * @throws StoreError when there are records already, or they cannot be stored
   */
  fill(records: AsyncIterable<readonly Stored[]>): Promise<void>;
}

/** Where data can be kept. */
export type Storage = Pick<Config, 'dataDir' | 'database'>;

/** The stores that the configuration names, without reading the code of any other; null where it names none. */
export async function openArchive({ dataDir, database }: Storage): Promise<Archive | null> {
  if (dataDir !== null) {
    const { diskArchive } = await import('./disk/archive.ts');
    return diskArchive(dataDir);
  }
  if (database !== null) {
    const { postgresArchive } = await import('./postgres/archive.ts');
    return postgresArchive(database);
  }
  return null;
}
