import { VERSION_2 } from './version-2.ts';

/** A migration of the database's format. Once released it is never changed: a later one changes what it has made. */
export interface Migration {
  readonly version: number;
  /** Statements, all run in one transaction. */
  readonly sql: string;
}

/** All migrations, in ascending order of their versions. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
-- What all servers share, of no owner: the key that signs cursors.
CREATE TABLE agent_graphql.secrets (
  name text PRIMARY KEY,
  value bytea NOT NULL
);

-- Each table is keyed by its owner first, so that ids cannot clash across owners, foreign keys cannot cross them, and
-- the tables can be distributed by owner. JSON is stored as text, which keeps the order of its keys;
-- labels are the same metadata as jsonb, for searches.
CREATE TABLE agent_graphql.assistants (
  owner text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  graph_id text NOT NULL,
  name text COLLATE "C" NOT NULL,
  -- The name folded by the server for searches that ignore case: PostgreSQL's own folding depends on its locale.
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

-- A run keeps the id of a deleted assistant: no foreign key.
CREATE TABLE agent_graphql.runs (
  owner text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  thread_id uuid NOT NULL,
  assistant_id uuid NOT NULL,
  status text NOT NULL
    CHECK (status IN ('PENDING', 'RUNNING', 'SUCCESS', 'ERROR', 'TIMEOUT', 'INTERRUPTED', 'CANCELLED')),
  -- The position of the run's end among those of its thread's runs: the highest ended last. Null until it ends.
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

-- The changes of each mutation, for the listeners of all servers: deleted after 5 minutes. They may be lost in a crash
-- of PostgreSQL, which ends the connections of the listeners too.
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
  -- The settings are read in subqueries: once for each statement, not for each row.
  FOREACH name IN ARRAY ARRAY['assistants', 'threads', 'runs', 'changes'] LOOP
    EXECUTE format('ALTER TABLE agent_graphql.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE agent_graphql.%I FORCE ROW LEVEL SECURITY', name);
    -- A transaction reads and writes the rows of the owner that it has set.
    EXECUTE format(
      'CREATE POLICY own ON agent_graphql.%I USING (owner = (SELECT current_setting(''agent_graphql.owner'', true)))',
      name);
    -- A transaction can be allowed to read the rows of all owners: to export them, and to find old changes.
    EXECUTE format(
      'CREATE POLICY everybody ON agent_graphql.%I FOR SELECT '
      'USING ((SELECT current_setting(''agent_graphql.everybody'', true) = ''on''))', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['assistants', 'threads', 'runs'] LOOP
    -- The metadata that a statement searches for. It is a policy, since row-level security allows an index condition
    -- only for policies and leakproof operators, and @> is none: as a condition of the statement it would read all rows.
    EXECUTE format(
      'CREATE POLICY search ON agent_graphql.%I AS RESTRICTIVE FOR SELECT USING (labels @> '
      '(SELECT coalesce(nullif(current_setting(''agent_graphql.search'', true), ''''), ''{}'')::jsonb))', name);
  END LOOP;
END
$$;
`,
  },
  { version: 2, sql: VERSION_2 },
];
