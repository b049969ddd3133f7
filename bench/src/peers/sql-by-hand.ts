import { randomUUID } from 'node:crypto';
import postgres, { type TransactionSql } from 'postgres';
import type { Owner } from '../../../dist/store/owner.js';
import type { Assistant, Run, Thread } from '../../../dist/store/records.js';
import { createCursors } from '../../../dist/store/rules/cursor.js';
import { cursorScope } from '../../../dist/store/rules/cursor-scope.js';
import { CURSOR_KEY } from '../data.ts';
import {
  type Endpoint,
  readId,
  readMetadata,
  readQuery,
  showAssistant,
  showThread,
  type TimesOf,
} from './by-hand.ts';

const ASSISTANT = `id, graph_id AS "graphId", name, description, config, context, metadata, version,
  created_at AS "createdAt", updated_at AS "updatedAt"`;
const THREAD = 'id, status, metadata, created_at AS "createdAt", updated_at AS "updatedAt"';
const RUN = `id, thread_id AS "threadId", assistant_id AS "assistantId", status, ended::float8 AS ended, metadata,
  created_at AS "createdAt", updated_at AS "updatedAt"`;
const COLUMNS = { CREATED_AT: 'created_at', UPDATED_AT: 'updated_at' };

const asTheyAre: TimesOf = (record) => record;

/** The works with the statements that the server sends, as somebody writes them by hand with postgres.js. */
export function sqlByHand(url: string): Readonly<Record<string, Endpoint>> {
  const cursors = createCursors(CURSOR_KEY);
  const sql = postgres(url, {
    max: 10,
    fetch_types: false,
    types: {
      id: { to: 2950, from: [2950], serialize: String, parse: (text: string) => text.replaceAll('-', '') },
      time: {
        to: 1184,
        from: [1184],
        serialize: String,
        parse: (text: string) => new Date(text).toISOString(),
      },
    },
  });

  /** Everything that is read sees one moment, and the records of one owner alone. */
  function read<T>(owner: Owner, work: (tx: TransactionSql) => Promise<T>) {
    return sql.begin('ISOLATION LEVEL REPEATABLE READ READ ONLY', async (tx) => {
      const [, result] = await Promise.all([nameOwner(tx, owner), work(tx)]);
      return result;
    });
  }

  return {
    async '/assistant'(owner, body) {
      const [assistant] = await read(owner, (tx) => assistantsOf(tx, owner, [readId(body)]));
      return { assistant: assistant ? showAssistant(assistant, asTheyAre) : null };
    },
    async '/threads'(owner, body) {
      const { orderBy } = readQuery(body);
      const found = await read(owner, (tx) => threadsOf(tx, owner, body));
      const list = cursorScope('thread', owner, orderBy, {})();
      const edges = found.slice(0, 20).map((thread) => {
        const key = orderBy.field === 'CREATED_AT' ? thread.createdAt : thread.updatedAt;
        return { cursor: cursors.encode(list, { id: thread.id, key }), node: showThread(thread, asTheyAre) };
      });
      const pageInfo = {
        hasNextPage: found.length > 20,
        hasPreviousPage: false,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      };
      return { threads: { edges, pageInfo } };
    },
    '/threads-with-runs': (owner, body) =>
      read(owner, async (tx) => {
        const threads = (await threadsOf(tx, owner, body)).slice(0, 20);
        const ids = `{${threads.map(({ id }) => id).join()}}`;
        const runs = await tx<Run[]>`SELECT found.* FROM unnest(${ids}::uuid[]) AS parents (parent)
          CROSS JOIN LATERAL (
            SELECT ${tx.unsafe(RUN)} FROM agent_graphql.runs
            WHERE owner = ${owner} AND thread_id = parents.parent ORDER BY created_at DESC, id DESC LIMIT 6
          ) AS found`;
        const shown = new Map<string, Run[]>();
        for (const run of runs) shown.set(run.threadId, [...(shown.get(run.threadId) ?? []), run]);
        const assistants = await assistantsOf(tx, owner, [
          ...new Set(runs.map(({ assistantId }) => assistantId)),
        ]);
        const names = new Map(assistants.map(({ id, name }) => [id, { id, name }]));
        const nodes = threads.map(({ id, status }) => ({
          id,
          status,
          runs: {
            nodes: (shown.get(id) ?? []).slice(0, 5).map((run) => ({
              id: run.id,
              status: run.status,
              createdAt: run.createdAt,
              assistant: names.get(run.assistantId) ?? null,
            })),
          },
        }));
        return { threads: { nodes } };
      }),
    async '/create-thread'(owner, body) {
      const now = new Date().toISOString();
      const metadata = { ...readMetadata(body), owner };
      const thread = { id: newId(), status: 'IDLE', metadata, createdAt: now, updatedAt: now };
      await sql.begin(async (tx) => {
        const change = newId();
        const changes = JSON.stringify([{ resource: 'thread', before: null, after: thread }]);
        await Promise.all([
          nameOwner(tx, owner),
          tx`INSERT INTO agent_graphql.threads (owner, id, status, metadata, created_at, updated_at)
            VALUES (${owner}, ${thread.id}, ${thread.status}, ${JSON.stringify(metadata)}::text::json, ${now}, ${now})`,
          tx`WITH kept AS (
              INSERT INTO agent_graphql.changes (owner, id, changes)
              VALUES (${owner}, ${change}, ${changes}::text::json) RETURNING id
            )
            SELECT pg_notify('agent_graphql', ${`${change} ${owner}`}) FROM kept`,
        ]);
      });
      return { createThread: { thread: { id: thread.id, status: thread.status, metadata }, userErrors: [] } };
    },
  };
}

function assistantsOf(tx: TransactionSql, owner: Owner, ids: readonly string[]) {
  return tx<Assistant[]>`SELECT ${tx.unsafe(ASSISTANT)} FROM agent_graphql.assistants
    WHERE owner = ${owner} AND id = ANY(${`{${ids.join()}}`}::uuid[])`;
}

function threadsOf(tx: TransactionSql, owner: Owner, body: unknown) {
  const { field, direction } = readQuery(body).orderBy;
  const column = tx.unsafe(COLUMNS[field]);
  const way = tx.unsafe(direction);
  return tx<Thread[]>`SELECT ${tx.unsafe(THREAD)} FROM agent_graphql.threads
    WHERE owner = ${owner} ORDER BY ${column} ${way}, id ${way} LIMIT 21`;
}

function nameOwner(tx: TransactionSql, owner: Owner) {
  return tx`SELECT set_config('agent_graphql.owner', ${owner}, true), set_config('statement_timeout', '5000', true),
    set_config('idle_in_transaction_session_timeout', '10000', true), set_config('enable_bitmapscan', 'off', true),
    set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)`.execute();
}

function newId(): string {
  return randomUUID().replaceAll('-', '');
}
