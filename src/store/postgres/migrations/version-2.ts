/** Runs that workers execute. */
export const VERSION_2 = `
ALTER TABLE agent_graphql.threads ADD COLUMN values_run_id uuid;

ALTER TABLE agent_graphql.runs
  ADD COLUMN has_input boolean NOT NULL DEFAULT false,
  ADD COLUMN has_output boolean NOT NULL DEFAULT false,
  ADD COLUMN has_checkpoint boolean NOT NULL DEFAULT false,
  ADD COLUMN error json,
  ADD COLUMN interrupt json,
  ADD COLUMN resumes uuid,
  ADD COLUMN multitask_strategy text NOT NULL DEFAULT 'ENQUEUE'
    CHECK (multitask_strategy IN ('ENQUEUE', 'REJECT', 'INTERRUPT', 'ROLLBACK')),
  ADD COLUMN attempt integer NOT NULL DEFAULT 0,
  ADD COLUMN max_attempts integer NOT NULL DEFAULT 3,
  ADD COLUMN timeout_seconds integer,
  ADD COLUMN assistant_version integer,
  ADD COLUMN worker text,
  ADD COLUMN available_at timestamptz(3),
  ADD COLUMN started_at timestamptz(3),
  ADD COLUMN finished_at timestamptz(3),
  ADD COLUMN cancel_requested_at timestamptz(3),
  ADD COLUMN traceparent text,
  -- Nobody gets a run that is held or has ended.
  ADD CHECK (available_at IS NULL OR (worker IS NULL AND ended IS NULL));

-- The tables' owner, who migrates, sees the rows of all owners until row-level security is forced again.
ALTER TABLE agent_graphql.assistants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE agent_graphql.runs NO FORCE ROW LEVEL SECURITY;
UPDATE agent_graphql.runs SET
  available_at = CASE WHEN status = 'PENDING' THEN created_at END,
  started_at = CASE WHEN status = 'RUNNING' THEN updated_at END,
  finished_at = CASE WHEN ended IS NOT NULL THEN updated_at END;

CREATE INDEX runs_of_thread_with_output ON agent_graphql.runs (owner, thread_id, ended) WHERE has_output;

-- Compact JSON as text: it is never searched. A row where a run has any of them.
CREATE TABLE agent_graphql.run_payloads (
  owner text COLLATE "C" NOT NULL,
  run_id uuid NOT NULL,
  input text,
  output text,
  checkpoint text,
  PRIMARY KEY (owner, run_id)
);

-- What workers have done to a run, and its place in the queue. It is made and deleted with the run, and changed under
-- its row's lock alone where the thread's other runs are not concerned. Renewals of a lease change no indexed column.
CREATE TABLE agent_graphql.executions (
  owner text COLLATE "C" NOT NULL,
  run_id uuid NOT NULL,
  thread_id uuid NOT NULL,
  graph_id text COLLATE "C" NOT NULL,
  -- As the run has them.
  created_at timestamptz(3) NOT NULL,
  is_active boolean NOT NULL,
  has_begun boolean NOT NULL,
  available_at timestamptz(3),
  finished_at timestamptz(3),
  -- Set for the run that its thread executes next, unless that is held: READY once it may be taken.
  head text CHECK (head IN ('READY', 'DELAYED')),
  -- Nothing is due before. It may be too early, never too late.
  due_at timestamptz(3),
  -- When the first of the events was stored; null where none are kept.
  events_from timestamptz(3),
  claims integer NOT NULL DEFAULT 0,
  lease_holder text,
  lease_worker text,
  lease_seconds integer,
  lease_ends_at timestamptz(3),
  stored_events integer NOT NULL DEFAULT 0,
  sent_events integer NOT NULL DEFAULT 0,
  sent_bytes integer NOT NULL DEFAULT 0,
  last_seq integer NOT NULL DEFAULT 0,
  dropped_seq integer NOT NULL DEFAULT 0,
  cancel_action text CHECK (cancel_action IN ('INTERRUPT', 'ROLLBACK')),
  reported_digest text,
  reported_status text,
  PRIMARY KEY (owner, run_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

INSERT INTO agent_graphql.executions (owner, run_id, thread_id, graph_id, created_at, is_active, has_begun, available_at)
  SELECT runs.owner, runs.id, thread_id, graph_id, runs.created_at, true, status = 'RUNNING', available_at
  FROM agent_graphql.runs JOIN agent_graphql.assistants
    ON assistants.owner = runs.owner AND assistants.id = runs.assistant_id
  WHERE ended IS NULL;
UPDATE agent_graphql.executions SET head = 'READY'
  FROM (
    SELECT DISTINCT ON (owner, thread_id) owner, run_id, available_at FROM agent_graphql.executions
    ORDER BY owner, thread_id, has_begun DESC, available_at NULLS FIRST, created_at, run_id
  ) AS first
  WHERE executions.owner = first.owner AND executions.run_id = first.run_id AND first.available_at IS NOT NULL;
ALTER TABLE agent_graphql.assistants FORCE ROW LEVEL SECURITY;
ALTER TABLE agent_graphql.runs FORCE ROW LEVEL SECURITY;

-- The first entry of a thread is the run that it executes next, or the one that makes the others wait.
CREATE INDEX executions_of_thread ON agent_graphql.executions
  (owner, thread_id, has_begun DESC, available_at NULLS FIRST, created_at, run_id) WHERE is_active;
CREATE UNIQUE INDEX head_of_thread ON agent_graphql.executions (owner, thread_id) WHERE head IS NOT NULL;
CREATE INDEX ready_executions ON agent_graphql.executions (graph_id, owner, created_at, run_id) WHERE head = 'READY';
CREATE INDEX delayed_executions ON agent_graphql.executions (available_at) WHERE head = 'DELAYED';
CREATE INDEX due_executions ON agent_graphql.executions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX executions_with_events ON agent_graphql.executions (events_from) WHERE events_from IS NOT NULL;
CREATE INDEX ended_executions_with_events ON agent_graphql.executions (finished_at) WHERE events_from IS NOT NULL;

-- Keys and inputs are stored as digests.
CREATE TABLE agent_graphql.idempotency_keys (
  owner text COLLATE "C" NOT NULL,
  resource text NOT NULL,
  key text COLLATE "C" NOT NULL,
  record_id uuid NOT NULL,
  digest text NOT NULL,
  PRIMARY KEY (owner, resource, key)
);
CREATE INDEX idempotency_keys_of_record ON agent_graphql.idempotency_keys (owner, record_id);

-- A partition for each day, which is dropped as a whole; the default one is for a day whose partition is missing.
CREATE TABLE agent_graphql.run_events (
  owner text COLLATE "C" NOT NULL,
  run_id uuid NOT NULL,
  seq integer NOT NULL,
  attempt integer NOT NULL,
  type text NOT NULL,
  data text NOT NULL,
  at timestamptz(3) NOT NULL,
  PRIMARY KEY (owner, run_id, seq, at)
) PARTITION BY RANGE (at);
CREATE TABLE agent_graphql.run_events_default PARTITION OF agent_graphql.run_events DEFAULT;
CREATE INDEX default_events_by_time ON agent_graphql.run_events_default (at);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['run_payloads', 'executions', 'idempotency_keys', 'run_events', 'run_events_default'] LOOP
    EXECUTE format('ALTER TABLE agent_graphql.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE agent_graphql.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY everybody ON agent_graphql.%I FOR SELECT '
      'USING ((SELECT current_setting(''agent_graphql.everybody'', true) = ''on''))', name);
  END LOOP;
  -- A partition is reached by its table alone.
  FOREACH name IN ARRAY ARRAY['run_payloads', 'executions', 'idempotency_keys', 'run_events'] LOOP
    EXECUTE format(
      'CREATE POLICY own ON agent_graphql.%I USING (owner = (SELECT current_setting(''agent_graphql.owner'', true)))',
      name);
  END LOOP;
END
$$;

-- The queue of all owners: for workers of all owners, and for what is due.
CREATE POLICY workers_read ON agent_graphql.executions FOR SELECT
  USING ((SELECT current_setting('agent_graphql.worker', true) = 'on'));
CREATE POLICY workers_write ON agent_graphql.executions FOR UPDATE
  USING ((SELECT current_setting('agent_graphql.worker', true) = 'on'));

-- Works out the head of a thread, whose row must be locked. If a run may be taken now that could not be before, its
-- graph is returned, and the servers are notified.
CREATE FUNCTION agent_graphql.set_head(of_owner text, of_thread uuid, now_is timestamptz, server text)
RETURNS text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  first record;
  new_head text;
BEGIN
  SELECT run_id, graph_id, available_at, head INTO first FROM agent_graphql.executions
    WHERE owner = of_owner AND thread_id = of_thread AND is_active
    ORDER BY has_begun DESC, available_at NULLS FIRST, created_at, run_id LIMIT 1;
  UPDATE agent_graphql.executions SET head = NULL
    WHERE owner = of_owner AND thread_id = of_thread AND head IS NOT NULL AND run_id IS DISTINCT FROM first.run_id;
  new_head := CASE WHEN first.available_at <= now_is THEN 'READY' WHEN first.available_at > now_is THEN 'DELAYED' END;
  IF first.head IS DISTINCT FROM new_head THEN
    UPDATE agent_graphql.executions SET head = new_head WHERE owner = of_owner AND run_id = first.run_id;
  END IF;
  IF new_head = 'READY' AND first.head IS DISTINCT FROM 'READY' THEN
    PERFORM pg_notify('agent_graphql', json_build_array('ready', server, of_owner, first.graph_id, 1)::text);
    RETURN first.graph_id;
  END IF;
  RETURN NULL;
END
$$;

-- Locks runs that may be taken: of one owner after the other, beginning after \`turn\`, the run that was created first.
-- It waits for no lock. Of an owner with runs of several graphs, the graph of the run that was created first comes first,
-- then its runs that nobody has locked. The last row, whose run is null, says whether there were runs, and all were
-- locked. With \`of_owner\`, the runs of that owner alone. Its statements are planned once: the indexes of \`executions\`
-- leave no choice that depends on the owner.
CREATE FUNCTION agent_graphql.take_runs(graphs text[], of_owner text, turn text, most integer)
RETURNS TABLE (taken_owner text, taken_run uuid, taken_thread uuid, is_contended boolean) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  next_owner text COLLATE "C";
  last_owner text COLLATE "C" := turn;
  next_graph text;
  graphs_left text[];
  taken_owners text[] := '{}';
  taken_runs uuid[] := '{}';
  -- Those of the next owner: two owners can have runs of one id.
  own uuid[];
  taken integer := 0;
  taken_before integer := NULL;
  has_runs boolean := false;
BEGIN
  is_contended := false;
  WHILE taken < most LOOP
    IF of_owner IS NULL THEN
      SELECT min(found.owner) INTO next_owner FROM unnest(graphs) AS wanted (graph) CROSS JOIN LATERAL (
        SELECT owner FROM agent_graphql.executions
        WHERE graph_id = wanted.graph AND head = 'READY' AND owner > last_owner ORDER BY owner LIMIT 1
      ) AS found;
      IF next_owner IS NULL THEN
        -- The end of the owners: from the start again, unless nobody had a run since the last time.
        EXIT WHEN last_owner = '' OR taken = taken_before;
        IF taken = taken_before + 1 THEN
          -- One owner alone has runs: it need not be looked for again.
          of_owner := taken_owner;
          CONTINUE;
        END IF;
        taken_before := taken;
        last_owner := '';
        CONTINUE;
      END IF;
      has_runs := true;
    ELSE
      EXIT WHEN taken = taken_before;
      taken_before := taken;
      next_owner := of_owner;
    END IF;
    last_owner := next_owner;
    graphs_left := graphs;
    own := ARRAY(SELECT run FROM unnest(taken_owners, taken_runs) AS before (owner, run) WHERE owner = next_owner);
    LOOP
      IF cardinality(graphs_left) = 1 THEN
        next_graph := graphs_left[1];
      ELSE
        SELECT wanted.graph INTO next_graph FROM unnest(graphs_left) AS wanted (graph) CROSS JOIN LATERAL (
          SELECT run_id, created_at FROM agent_graphql.executions
          WHERE owner = next_owner AND graph_id = wanted.graph AND head = 'READY' AND run_id <> ALL (own)
          ORDER BY created_at, run_id LIMIT 1
        ) AS found ORDER BY found.created_at, found.run_id LIMIT 1;
        EXIT WHEN NOT FOUND;
      END IF;
      SELECT run_id, thread_id INTO taken_run, taken_thread FROM agent_graphql.executions
        WHERE owner = next_owner AND graph_id = next_graph AND head = 'READY' AND run_id <> ALL (own)
        ORDER BY created_at, run_id LIMIT 1 FOR UPDATE SKIP LOCKED;
      IF FOUND THEN
        taken := taken + 1;
        taken_owner := next_owner;
        taken_owners := taken_owners || taken_owner;
        taken_runs := taken_runs || taken_run;
        RETURN NEXT;
        EXIT;
      END IF;
      graphs_left := array_remove(graphs_left, next_graph);
      EXIT WHEN graphs_left = '{}';
    END LOOP;
  END LOOP;
  IF taken = 0 AND of_owner IS NOT NULL THEN
    has_runs := EXISTS (SELECT FROM unnest(graphs) AS wanted (graph) CROSS JOIN LATERAL (
      SELECT FROM agent_graphql.executions
      WHERE owner = of_owner AND graph_id = wanted.graph AND head = 'READY' LIMIT 1
    ) AS found);
  END IF;
  taken_owner := NULL;
  taken_run := NULL;
  is_contended := has_runs AND taken = 0;
  RETURN NEXT;
END
$$;

-- Makes the partitions of events for some days from one on, where they are missing. A day that has events in the
-- default partition is left to it.
CREATE FUNCTION agent_graphql.make_event_partitions(first_day date, days integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  day date;
  name text;
  has_events boolean;
BEGIN
  FOR day IN SELECT first_day + i FROM generate_series(0, days - 1) AS i LOOP
    name := 'run_events_' || to_char(day, 'YYYYMMDD');
    CONTINUE WHEN to_regclass(format('agent_graphql.%I', name)) IS NOT NULL;
    LOCK TABLE agent_graphql.run_events_default IN ACCESS EXCLUSIVE MODE;
    PERFORM set_config('agent_graphql.everybody', 'on', true);
    has_events := EXISTS (SELECT FROM agent_graphql.run_events_default WHERE at >= day AND at < day + 1);
    PERFORM set_config('agent_graphql.everybody', '', true);
    CONTINUE WHEN has_events;
    EXECUTE format('CREATE TABLE agent_graphql.%I (LIKE agent_graphql.run_events INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE agent_graphql.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE agent_graphql.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE agent_graphql.run_events ATTACH PARTITION agent_graphql.%I FOR VALUES FROM (%L) TO (%L)',
      name, day, day + 1);
  END LOOP;
END
$$;

-- Drops the partitions of events whose days were over at a time.
CREATE FUNCTION agent_graphql.drop_event_partitions(before timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'agent_graphql.run_events'::regclass AND relname ~ '^run_events_[0-9]{8}$'
      AND to_date(right(relname, 8), 'YYYYMMDD') + 1 <= before
  LOOP
    EXECUTE format('DROP TABLE agent_graphql.%I', name);
  END LOOP;
  PERFORM set_config('agent_graphql.everybody', 'on', true);
  IF (SELECT max(at) FROM agent_graphql.run_events_default) < before THEN
    TRUNCATE agent_graphql.run_events_default;
  END IF;
  PERFORM set_config('agent_graphql.everybody', '', true);
END
$$;

SELECT agent_graphql.make_event_partitions(current_date, 3);
`;
