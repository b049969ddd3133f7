import postgres from 'postgres';
import { parseConnectionUri } from '../../dist/store/postgres/uri/parse-uri.js';
import { postgresArchive } from '../../dist/store/postgres/archive.js';
import type { DatabaseConfig } from '../../dist/store/postgres/client/database-config.js';
import type { OwnedRecord } from '../../dist/store/archive.js';
import { CURSOR_KEY, recordsOf } from './data.ts';

/** Records that are sent together. */
const TOGETHER = 1_000;

/** Fills an empty database with the records. */
export async function fillPostgres(url: string, threads: number): Promise<void> {
  await postgresArchive(databaseAt(url)).fill(inGroups(recordsOf(threads)));
  const sql = postgres(url, { max: 1 });
  await sql`INSERT INTO agent_graphql.secrets (name, value) VALUES ('cursors', ${CURSOR_KEY})`;
  await sql.end();
}

/** As the server has it unless told. */
export function databaseAt(url: string): DatabaseConfig {
  return {
    server: parseConnectionUri(url).server,
    poolSize: 10,
    statementTimeout: 5_000,
    connectTimeout: 5_000,
  };
}

async function* inGroups(records: Iterable<OwnedRecord>): AsyncGenerator<readonly OwnedRecord[], void> {
  let group: OwnedRecord[] = [];
  for (const record of records) {
    group.push(record);
    if (group.length < TOGETHER) continue;
    yield group;
    group = [];
  }
  yield group;
}
