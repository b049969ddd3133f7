import type { Change } from '../../change.ts';
import type { Owner } from '../../owner.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import { idsByOwner } from '../client/ids-by-owner.ts';
import type { SnapshotReader } from '../client/snapshot-reader.ts';

/** A mutation whose changes are stored for the listeners. */
export interface LoggedMutation {
  readonly owner: Owner;
  /** The id of its row of changes. */
  readonly id: string;
}

/** The changes of mutations, by the ids of their rows, without those that were deleted: one statement per owner. */
export async function readChanges(
  reader: SnapshotReader,
  mutations: readonly LoggedMutation[],
): Promise<ReadonlyMap<string, readonly Change[]>> {
  const rows = await Promise.all(
    Array.from(idsByOwner(mutations), ([owner, ids]) =>
      reader.read(owner, ({ sql, run }) =>
        run(sql<{ id: string; changes: readonly Change[] }[]>`SELECT id, changes FROM agent_graphql.changes
          WHERE owner = ${owner} AND id = ANY(${arrayLiteral(ids)}::uuid[])`),
      ),
    ),
  );
  return new Map(rows.flat().map(({ id, changes }) => [id, changes]));
}
