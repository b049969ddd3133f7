/** A step of the database's format. Once released, a migration is never changed: the next one changes what it made. */
export interface Migration {
  readonly version: number;
  /** Statements, run together in one transaction. */
  readonly sql: string;
}

/** All migrations, in their order. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
-- What the servers share, and no owner's: the key that signs cursors.
CREATE TABLE agent_graphql.secrets (
  name text PRIMARY KEY,
  value bytea NOT NULL
);

-- Each table is keyed by its owner first, so that ids cannot clash across owners, foreign keys cannot cross them, and
-- the tables can be distributed by owner. JSON is kept as it was written, so that it comes back in the same order;
-- labels are the metadata once more, in the form that is searched.
CREATE TABLE agent_graphql.assistants (
  owner text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  graph_id text NOT NULL,
  name text COLLATE "C" NOT NULL,
  -- The name in the form in which its case does not matter: PostgreSQL's own folding depends on its locale.
  folded_name text COLLATE "C" NOT NULL,
  description text,
  config json NOT NULL,
  context json NOT NULL,
  metadata json NOT NULL,
  labels jsonb NOT NULL GENERATED ALWAYS AS (metadata::jsonb) STORED,
  version integer NOT NULL,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  PRIMARY KEY (owner, id)
);
CREATE INDEX assistants_by_creation ON agent_graphql.assistants (owner, created_at, id);
CREATE INDEX assistants_by_update ON agent_graphql.assistants (owner, updated_at, id);
CREATE INDEX assistants_by_name ON agent_graphql.assistants (owner, name, id);
CREATE INDEX assistants_by_metadata ON agent_graphql.assistants USING gin (labels jsonb_path_ops);

CREATE TABLE agent_graphql.threads (
  owner text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  status text NOT NULL CHECK (status IN ('IDLE', 'BUSY', 'INTERRUPTED', 'ERROR')),
  metadata json NOT NULL,
  labels jsonb NOT NULL GENERATED ALWAYS AS (metadata::jsonb) STORED,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  PRIMARY KEY (owner, id)
);
CREATE INDEX threads_by_creation ON agent_graphql.threads (owner, created_at, id);
CREATE INDEX threads_by_update ON agent_graphql.threads (owner, updated_at, id);
CREATE INDEX threads_by_metadata ON agent_graphql.threads USING gin (labels jsonb_path_ops);

-- A run keeps the id of its assistant when that is deleted: no foreign key.
CREATE TABLE agent_graphql.runs (
  owner text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  thread_id uuid NOT NULL,
  assistant_id uuid NOT NULL,
  status text NOT NULL
    CHECK (status IN ('PENDING', 'RUNNING', 'SUCCESS', 'ERROR', 'TIMEOUT', 'INTERRUPTED', 'CANCELLED')),
  -- The place of the run's end among its thread's: the greatest ended last. Null until it ends.
  ended bigint CHECK ((ended IS NULL) = (status IN ('PENDING', 'RUNNING'))),
  metadata json NOT NULL,
  labels jsonb NOT NULL GENERATED ALWAYS AS (metadata::jsonb) STORED,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  PRIMARY KEY (owner, id),
  FOREIGN KEY (owner, thread_id) REFERENCES agent_graphql.threads (owner, id)
);
CREATE INDEX runs_by_creation ON agent_graphql.runs (owner, created_at, id);
CREATE INDEX runs_by_update ON agent_graphql.runs (owner, updated_at, id);
CREATE INDEX runs_of_thread_by_creation ON agent_graphql.runs (owner, thread_id, created_at, id);
CREATE INDEX runs_of_thread_by_update ON agent_graphql.runs (owner, thread_id, updated_at, id);
CREATE INDEX runs_of_thread_by_end ON agent_graphql.runs (owner, thread_id, ended);
CREATE INDEX runs_of_assistant_by_creation ON agent_graphql.runs (owner, assistant_id, created_at, id);
CREATE INDEX runs_of_assistant_by_update ON agent_graphql.runs (owner, assistant_id, updated_at, id);
CREATE INDEX active_runs_of_assistant ON agent_graphql.runs (owner, assistant_id) WHERE ended IS NULL;
CREATE INDEX runs_by_metadata ON agent_graphql.runs USING gin (labels jsonb_path_ops);

-- The changes of each mutation, on their way to the subscribers of all servers: kept for minutes. They may be lost
-- with the server, since its listeners are lost with it.
CREATE UNLOGGED TABLE agent_graphql.changes (
  owner text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  changes json NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (owner, id)
);
CREATE INDEX changes_by_time ON agent_graphql.changes (at);

DO $$
DECLARE
  name text;
BEGIN
  -- The settings are read in subqueries, so that they are read once for a statement and not for each row.
  FOREACH name IN ARRAY ARRAY['assistants', 'threads', 'runs', 'changes'] LOOP
    EXECUTE format('ALTER TABLE agent_graphql.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE agent_graphql.%I FORCE ROW LEVEL SECURITY', name);
    -- A transaction sees and writes the rows of the one owner that it has named.
    EXECUTE format(
      'CREATE POLICY own ON agent_graphql.%I USING (owner = (SELECT current_setting(''agent_graphql.owner'', true)))',
      name);
    -- To move all data elsewhere, and to find what is old, a transaction can ask to read everybody's.
    EXECUTE format(
      'CREATE POLICY everybody ON agent_graphql.%I FOR SELECT '
      'USING ((SELECT current_setting(''agent_graphql.everybody'', true) = ''on''))', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['assistants', 'threads', 'runs'] LOOP
    -- What a transaction searches for. It is a policy since under row-level security an index serves only policies and
    -- leakproof operators, and @> is none: as a condition of the statement alone it would read every row.
    EXECUTE format(
      'CREATE POLICY search ON agent_graphql.%I AS RESTRICTIVE FOR SELECT USING (labels @> '
      '(SELECT coalesce(nullif(current_setting(''agent_graphql.search'', true), ''''), ''{}'')::jsonb))', name);
  END LOOP;
END
$$;
`,
  },
];
