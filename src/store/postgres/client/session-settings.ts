/**
 * The settings of each session: what changes how values are written and read, what rows are found, and whether
 * statements run. The defaults of a database or a role could be others. They are set by a statement, since PgBouncer
 * refuses most of them as startup parameters.
 */
const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  client_encoding: 'UTF8',
  bytea_output: 'hex',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  search_path: 'pg_catalog, pg_temp',
  row_security: 'on',
  'agent_graphql.owner': '',
  'agent_graphql.everybody': '',
  'agent_graphql.search': '',
  'agent_graphql.worker': '',
  // It would leave out matches of metadata at random.
  gin_fuzzy_search_limit: '0',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  exit_on_error: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
};

/**
 * The first statement of each session, whose row says whether the server is a standby (`isStandby`). Of
 * `synchronous_commit` only `off` is changed: a mutation is stored when it is answered, and how many standbys have it
 * is the operator's choice.
 */
export const BEGIN_SESSION = `SELECT ${Object.entries(SESSION_SETTINGS)
  .map(([name, value]) => `pg_catalog.set_config('${name}', '${value}', false)`)
  .join(', ')},
  CASE WHEN pg_catalog.current_setting('synchronous_commit') = 'off'
    THEN pg_catalog.set_config('synchronous_commit', 'on', false) END,
  CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL
    THEN pg_catalog.set_config('transaction_timeout', '0', false) END,
  pg_catalog.pg_is_in_recovery() AS "isStandby"`;
