import type { Owner } from '../../owner.ts';
import type { Run } from '../../records.ts';
import { idsByOwner } from '../client/ids-by-owner.ts';
import { findByIds } from '../tables/find-by-ids.ts';
import type { SnapshotReader } from '../client/snapshot-reader.ts';
import { TABLES } from '../tables/tables.ts';
import type { RunRef } from './announcement.ts';

/** Reads runs, each once, without those that were deleted: one statement per owner. */
export async function readRuns(
  reader: SnapshotReader,
  refs: readonly RunRef[],
): Promise<readonly { readonly owner: Owner; readonly run: Run }[]> {
  const found = await Promise.all(
    Array.from(idsByOwner(refs), async ([owner, ids]) => {
      const runs = await reader.read(owner, (tx) => findByIds<Run>(tx, owner, TABLES.run, ids));
      return runs.flatMap((run) => (run === null ? [] : [{ owner, run }]));
    }),
  );
  return found.flat();
}
