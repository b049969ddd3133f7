import type { ArchiveEntry } from '../../archive.ts';
import type { Owner } from '../../owner.ts';
import { nameOwner } from '../client/database.ts';
import type { Transaction } from '../client/pool.ts';
import { enqueueImported } from '../tables/enqueue-imported.ts';
import { DETAIL_TABLES, insertDetails } from './insert-details.ts';
import { insertRows } from '../tables/insert-rows.ts';
import { TABLES } from '../tables/tables.ts';

/** Inserts records and details into empty tables, and updates the planner's statistics. */
export async function insertRecords(
  tx: Transaction,
  batches: AsyncIterable<readonly ArchiveEntry[]>,
): Promise<void> {
  let owner: Owner | null = null;
  let sent: Promise<unknown> = Promise.resolve();
  for await (const batch of batches) {
    const statements: Promise<unknown>[] = [];
    for (const group of groupByKind(batch)) {
      const [first] = group;
      if (first === undefined) continue;
      if (first.owner !== owner) {
        if (owner !== null) statements.push(enqueueImported(tx, owner));
        statements.push(nameOwner(tx, (owner = first.owner)));
      }
      statements.push(insertGroup(tx, first, group));
    }
    const inserted = Promise.all(statements);
    // It is awaited after the next batch was read: until then, a rejection is not unhandled.
    inserted.catch(() => {});
    await sent;
    sent = inserted;
  }
  await sent;
  if (owner !== null) await enqueueImported(tx, owner);
  const tables = [...Object.values(TABLES).map(({ name }) => name), ...DETAIL_TABLES];
  for (const name of tables) await tx.run(tx.sql.unsafe(`ANALYZE ${name}`));
}

/** Consecutive entries of the same owner and kind, in their order. */
function groupByKind(entries: readonly ArchiveEntry[]): readonly (readonly ArchiveEntry[])[] {
  const groups: ArchiveEntry[][] = [];
  for (const entry of entries) {
    const last = groups.at(-1);
    const [first] = last ?? [];
    if (first?.owner === entry.owner && kindOf(first) === kindOf(entry)) last?.push(entry);
    else groups.push([entry]);
  }
  return groups;
}

function kindOf(entry: ArchiveEntry) {
  return 'detail' in entry ? entry.detail : entry.resource;
}

function insertGroup(tx: Transaction, first: ArchiveEntry, group: readonly ArchiveEntry[]): Promise<void> {
  const { owner } = first;
  return 'detail' in first
    ? insertDetails(
        tx,
        owner,
        first.detail,
        group.filter((entry) => 'detail' in entry),
      )
    : insertRows(
        tx,
        owner,
        first.resource,
        group.filter((entry) => 'resource' in entry),
      );
}
