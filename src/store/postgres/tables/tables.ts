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
    columns: `id, status, values_run_id AS "valuesRunId", metadata, created_at AS "createdAt",
      updated_at AS "updatedAt"`,
  },
  run: {
    name: 'agent_graphql.runs',
    columns: `id, thread_id AS "threadId", assistant_id AS "assistantId", status, ended::float8 AS ended,
      has_input AS "hasInput", has_output AS "hasOutput", has_checkpoint AS "hasCheckpoint", error, interrupt, resumes,
      multitask_strategy AS "multitaskStrategy", attempt, max_attempts AS "maxAttempts",
      timeout_seconds AS "timeoutSeconds", assistant_version AS "assistantVersion", worker,
      available_at AS "availableAt", started_at AS "startedAt", finished_at AS "finishedAt",
      cancel_requested_at AS "cancelRequestedAt", traceparent, metadata, created_at AS "createdAt", updated_at AS "updatedAt"`,
  },
};

/** The column of each order. */
export const ORDER_COLUMNS: Readonly<Record<OrderField, string>> = {
  CREATED_AT: 'created_at',
  UPDATED_AT: 'updated_at',
  NAME: 'name',
};
