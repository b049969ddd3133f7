import type { Change } from '../../change.ts';
import type { OrderField } from '../../query.ts';

/** The table of a resource. */
export interface Table {
  readonly name: string;
  /** The select list that gives a row the keys of its record. */
  readonly columns: string;
}

/** The tables of the resources. */
export const TABLES: Readonly<Record<Change['resource'], Table>> = {
  assistant: {
    name: 'agent_graphql.assistants',
    columns: `id, graph_id AS "graphId", name, description, config, context, metadata, version,
      created_at AS "createdAt", updated_at AS "updatedAt"`,
  },
  thread: {
    name: 'agent_graphql.threads',
    columns: 'id, status, metadata, created_at AS "createdAt", updated_at AS "updatedAt"',
  },
  run: {
    name: 'agent_graphql.runs',
    columns: `id, thread_id AS "threadId", assistant_id AS "assistantId", status, ended::float8 AS ended, metadata,
      created_at AS "createdAt", updated_at AS "updatedAt"`,
  },
};

/** The column of each order. */
export const ORDER_COLUMNS: Readonly<Record<OrderField, string>> = {
  CREATED_AT: 'created_at',
  UPDATED_AT: 'updated_at',
  NAME: 'name',
};
