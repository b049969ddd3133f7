import type { z } from 'zod';
import { DATABASE_DEFAULTS, environment, SECRET_RULE, variableMetadata } from './environment.ts';
import { ConfigError } from './lib/config-error.ts';
import type { LogLevel } from './observability/log-level.ts';
import type { DatabaseConfig } from './store/postgres/client/database-config.ts';

/** How the server is set up. */
export interface Config {
  readonly production: boolean;
  readonly host: string;
  /** 0 to 65535, where 0 is any free port. */
  readonly port: number;
  /** Outside production `secret` and `jwksUrl` may both be null; they are never both set. */
  readonly auth: {
    /** The HS256 secret: 32 bytes at least. */
    readonly secret: string | null;
    /** Where the identity provider's key set is, over http or https. */
    readonly jwksUrl: URL | null;
    /** The `iss` and `aud` that tokens must have; null outside production when not checked. */
    readonly issuer: string | null;
    readonly audience: string | null;
    /** The claim that names the owner. */
    readonly ownerClaim: string;
    /** The word in `scope` that makes a token one of a worker of all owners; null where none does. */
    readonly workerScope: string | null;
  };
  /** The origins that a browser may call from, or any of localhost. */
  readonly corsOrigins: readonly string[] | 'localhost';
  readonly introspection: boolean;
  /** The file with the documents that run by their hash, and whether nothing else runs; null without such a file. */
  readonly trustedDocuments: { readonly path: string; readonly only: boolean } | null;
  /** Requests a second of one owner; null for as many as there are. */
  readonly rateLimit: number | null;
  /** The folder that the data is kept in; null where it is not kept on disk. Never set together with `database`. */
  readonly dataDir: string | null;
  /** The PostgreSQL that holds the data; null where there is none. */
  readonly database: DatabaseConfig | null;
  /** How long the events of a run are kept after its end, in milliseconds. */
  readonly eventRetention: number;
  /** How long everything is still served after SIGTERM, in milliseconds. */
  readonly shutdownDelay: number;
  /** How long an idle connection is kept, in milliseconds. */
  readonly keepAlive: number;
  readonly logLevel: LogLevel;
  /** Where `/metrics` is: 0 to 65535, where 0 is any free port; null where nothing is measured. */
  readonly metricsPort: number | null;
  /** The OpenTelemetry collector, over http or https; null where nothing is traced. */
  readonly traceEndpoint: URL | null;
}

/**
 * Reads the configuration from environment variables. An empty one counts as not set.
 *
 * @throws ConfigError about the first variable that is wrong
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  for (const name of Object.keys(environment.shape)) assertMeant(name, set[name] ?? '');
  const result = consistentEnvironment.safeParse(set);
  if (!result.success) throw new ConfigError(describe(result.error, set));

  const variables = result.data;
  const production = variables.NODE_ENV === 'production';
  const { TRUSTED_DOCUMENTS: path, TRUSTED_DOCUMENTS_ONLY: only } = variables;
  return {
    production,
    host: variables.HOST,
    port: variables.PORT,
    auth: {
      secret: variables.AUTH_SECRET ?? null,
      jwksUrl: variables.AUTH_JWKS_URL ?? null,
      issuer: variables.AUTH_ISSUER ?? null,
      audience: variables.AUTH_AUDIENCE ?? null,
      ownerClaim: variables.AUTH_OWNER_CLAIM,
      workerScope: variables.AUTH_WORKER_SCOPE ?? (production ? null : 'agent-graphql:worker'),
    },
    corsOrigins: variables.CORS_ORIGINS ?? (production ? [] : 'localhost'),
    introspection:
      variables.INTROSPECTION === undefined ? !production && only !== 'on' : variables.INTROSPECTION === 'on',
    trustedDocuments: path === undefined ? null : { path, only: only === 'on' },
    rateLimit: variables.RATE_LIMIT ?? null,
    dataDir: variables.DATA_DIR ?? null,
    database: readDatabaseConfig(variables),
    eventRetention: variables.EVENT_RETENTION_HOURS * 3_600_000,
    shutdownDelay: variables.SHUTDOWN_DELAY * 1_000,
    keepAlive: variables.KEEP_ALIVE * 1_000,
    logLevel: variables.LOG_LEVEL,
    metricsPort: variables.METRICS_PORT ?? null,
    traceEndpoint: variables.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
  };
}

function readDatabaseConfig(variables: z.output<typeof environment>): DatabaseConfig | null {
  const { DATABASE_URL: uri, ...others } = variables;
  if (uri === undefined) return null;
  const { poolSize, statementTimeout, connectTimeout } = DATABASE_DEFAULTS;
  return {
    server: uri.server,
    poolSize: others.DATABASE_POOL_SIZE ?? poolSize,
    statementTimeout: (others.DATABASE_STATEMENT_TIMEOUT ?? statementTimeout) * 1_000,
    connectTimeout: uri.connectTimeout ?? (others.DATABASE_CONNECT_TIMEOUT ?? connectTimeout) * 1_000,
  };
}

/** Refuses what no value begins or ends with: a newline of a file, or the quotes that docker's `--env-file` keeps. */
function assertMeant(name: string, value: string): void {
  if (value !== value.trim()) throw new ConfigError(`${name} must not begin or end with white space.`);
  if (/^(["'])[^]*\1$/.test(value)) {
    throw new ConfigError(
      `${name} must not be in quotes: they are part of the value, as with docker's --env-file.`,
    );
  }
}

/** The variables, and the rules between them. */
const consistentEnvironment = environment.superRefine((variables, context) => {
  const refuse = (name: string, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message });
  const { AUTH_SECRET: secret, AUTH_JWKS_URL: jwksUrl } = variables;

  if (secret !== undefined && jwksUrl !== undefined) {
    refuse('AUTH_JWKS_URL', 'must not be set together with AUTH_SECRET: only one of them signs the tokens');
  }
  if (variables.TRUSTED_DOCUMENTS_ONLY === 'on' && variables.TRUSTED_DOCUMENTS === undefined) {
    refuse('TRUSTED_DOCUMENTS_ONLY', 'must not be on without TRUSTED_DOCUMENTS: nothing would run');
  }
  if (variables.DATA_DIR !== undefined && variables.DATABASE_URL !== undefined) {
    refuse('DATA_DIR', 'must not be set together with DATABASE_URL: only one of them holds the data');
  }
  if (variables.DATABASE_CONNECT_TIMEOUT !== undefined && variables.DATABASE_URL?.connectTimeout != null) {
    refuse('DATABASE_CONNECT_TIMEOUT', 'must not be set together with connect_timeout in DATABASE_URL');
  }
  for (const name of DATABASE_SETTINGS) {
    if (variables[name] !== undefined && variables.DATABASE_URL === undefined) {
      refuse(name, 'must not be set without DATABASE_URL: it would do nothing');
    }
  }
  if (variables.METRICS_PORT === variables.PORT && variables.PORT !== 0) {
    refuse('METRICS_PORT', 'must not be the same as PORT: the metrics are not for everybody');
  }
  if (variables.NODE_ENV !== 'production') return;
  if (secret === undefined && jwksUrl === undefined) {
    refuse('AUTH_SECRET', `or AUTH_JWKS_URL must be set in production; AUTH_SECRET ${SECRET_RULE}`);
  }
  if (variables.AUTH_ISSUER === undefined) {
    refuse('AUTH_ISSUER', 'must be set in production to the `iss` of the tokens to accept');
  }
  if (variables.AUTH_AUDIENCE === undefined) {
    refuse('AUTH_AUDIENCE', 'must be set in production to the `aud` of the tokens to accept');
  }
});

const DATABASE_SETTINGS = [
  'DATABASE_POOL_SIZE',
  'DATABASE_STATEMENT_TIMEOUT',
  'DATABASE_CONNECT_TIMEOUT',
] as const;

function describe(
  { issues: [issue] }: z.ZodError,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const [name = '', entry] = issue?.path.map(String) ?? [];
  const problem = `${name} ${issue?.message}`;
  if (entry !== undefined) return `${problem}; entry ${Number(entry) + 1} is not one.`;
  const value = isQuoted(name) ? env[name] : undefined;
  return value === undefined ? `${problem}.` : `${problem}, and is ${JSON.stringify(value.slice(0, 40))}.`;
}

function isQuoted(name: string): boolean {
  const schema = new Map<string, z.ZodType>(Object.entries(environment.shape)).get(name);
  return schema !== undefined && variableMetadata.get(schema)?.isQuoted === true;
}
