import { randomBytes } from 'node:crypto';
import type { Transaction } from '../client/pool.ts';

const KEY_BYTES = 32;

/** The key that signs the cursors of all servers, 32 bytes: the first server creates it. */
export async function cursorKey({ sql, run }: Transaction): Promise<Uint8Array> {
  await run(sql`INSERT INTO agent_graphql.secrets (name, value) VALUES ('cursors', ${randomBytes(KEY_BYTES)})
    ON CONFLICT (name) DO NOTHING`);
  const [row] = await run(sql<{ value: Uint8Array }[]>`SELECT value FROM agent_graphql.secrets
    WHERE name = 'cursors'`);
  if (row === undefined) throw new TypeError('The key that signs cursors is missing.');
  return row.value;
}
