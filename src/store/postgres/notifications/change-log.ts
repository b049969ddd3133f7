import { randomUUID } from 'node:crypto';
import type { Change } from '../../change.ts';
import { asOwner, type Owner } from '../../owner.ts';
import type { Sql } from '../client/connect.ts';
import { type Database, runInTransaction } from '../client/database.ts';
import type { Transaction } from '../client/pool.ts';
import { withTimeout } from '../client/timeout.ts';

/** The channel on which servers notify each other of changes. */
export const CHANNEL = 'agent_graphql';

/**
 * Stores the changes of a mutation for the listeners of all servers, and notifies these of the row's id and owner when
 * the transaction commits: the payload of a notification is limited to 8,000 bytes.
 */
export async function logChanges(tx: Transaction, owner: Owner, changes: readonly Change[]): Promise<void> {
  const id = randomUUID().replaceAll('-', '');
  await tx.run(tx.sql`WITH kept AS (
      INSERT INTO agent_graphql.changes (owner, id, changes)
      VALUES (${owner}, ${id}, ${JSON.stringify(changes)}::text::json) RETURNING id
    )
    SELECT pg_notify(${CHANNEL}, ${`${id} ${owner}`}) FROM kept`);
}

/** Deletes the changes of more than 5 minutes ago, owner by owner: every listener has read or missed them. */
export async function deleteOldChanges(database: Database): Promise<void> {
  const owners = await withTimeout(database, (signal) =>
    database.pool.transaction('BEGIN', signal, async ({ sql, run }) => {
      await run(sql`SELECT set_config('agent_graphql.everybody', 'on', true)`);
      return run(
        sql<{ owner: string }[]>`SELECT DISTINCT owner FROM agent_graphql.changes WHERE at < ${limit(sql)}`,
      );
    }),
  );
  for (const { owner: name } of owners) {
    const owner = asOwner(name);
    await runInTransaction(database, owner, ({ sql, run }) =>
      run(sql`DELETE FROM agent_graphql.changes WHERE owner = ${owner} AND at < ${limit(sql)}`),
    );
  }
}

function limit(sql: Sql) {
  return sql`now() - interval '5 minutes'`;
}
