import type { Change } from '../../change.ts';
import type { Outcome } from '../../outcome.ts';
import { asOwner, type Owner } from '../../owner.ts';
import { newId } from '../../rules/identity.ts';
import type { Sql } from '../client/connect.ts';
import type { Transaction } from '../client/pool.ts';
import { write } from '../queries/rows.ts';
import { type Database, inTime, mutate, type Reader } from '../client/session.ts';

/** Where servers tell each other of changes. */
export const CHANNEL = 'agent_graphql';

/** What a mutation comes to: what it answers, and the changes that it makes. */
export interface Verdict<T> {
  readonly outcome: Outcome<T>;
  readonly changes: readonly Change[];
}

/** The verdict that changes nothing. */
export function nothing<T>(outcome: Outcome<T>): Verdict<T> {
  return { outcome, changes: [] };
}

/**
 * Decides on a mutation and does it, in one transaction. Its changes are told to all servers, this one included, as soon
 * as they are stored; nothing is told of a mutation that fails. What the request reads next sees them.
 * @param decide locks what it looks at: a thread first, then an assistant, then runs, so that no two wait for each other
 */
export async function decideAndWrite<T>(
  database: Database,
  reader: Reader,
  owner: Owner,
  decide: (tx: Transaction) => Promise<Verdict<T>>,
): Promise<Outcome<T>> {
  try {
    return await mutate(database, owner, async (tx) => {
      const { outcome, changes } = await decide(tx);
      if (changes.length > 0) await Promise.all([write(tx, owner, changes), tell(tx, owner, changes)]);
      return outcome;
    });
  } finally {
    // Also what the request began to read while this was not stored yet.
    reader.forget();
  }
}

/** Keeps the changes for the servers' listeners, and tells them where: a notification may have 8,000 bytes. */
async function tell(tx: Transaction, owner: Owner, changes: readonly Change[]): Promise<void> {
  const id = newId();
  await tx.run(tx.sql`WITH kept AS (
      INSERT INTO agent_graphql.changes (owner, id, changes)
      VALUES (${owner}, ${id}, ${JSON.stringify(changes)}::text::json) RETURNING id
    )
    SELECT pg_notify(${CHANNEL}, ${`${id} ${owner}`}) FROM kept`);
}

/** Deletes changes that every listener has read or missed: those of minutes ago, owner by owner. */
export async function forgetOldChanges(database: Database): Promise<void> {
  const owners = await inTime(database, (signal) =>
    database.pool.transaction('BEGIN', signal, async ({ sql, run }) => {
      await run(sql`SELECT set_config('agent_graphql.everybody', 'on', true)`);
      return run(
        sql<{ owner: string }[]>`SELECT DISTINCT owner FROM agent_graphql.changes WHERE at < ${old(sql)}`,
      );
    }),
  );
  for (const { owner } of owners) {
    const name = asOwner(owner);
    await mutate(database, name, ({ sql, run }) =>
      run(sql`DELETE FROM agent_graphql.changes WHERE owner = ${name} AND at < ${old(sql)}`),
    );
  }
}

function old(sql: Sql) {
  return sql`now() - interval '5 minutes'`;
}
