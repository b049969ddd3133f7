import { isIP } from 'node:net';

import { z } from 'zod';

import { isSecret, MIN_SECRET_BYTES } from './auth/secret.ts';

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
  readonly logLevel: LogLevel;
  /** Where `/metrics` is: 0 to 65535, where 0 is any free port; null where nothing is measured. */
  readonly metricsPort: number | null;
  /** The OpenTelemetry collector, over http or https; null where nothing is traced. */
  readonly traceEndpoint: URL | null;
}

/** How PostgreSQL is reached. */
export interface DatabaseConfig {
  /** Starts with postgres:// or postgresql://, and may hold a password. */
  readonly url: string;
  /** Connections of this process at most, besides the one that listens. */
  readonly poolSize: number;
  /** In milliseconds. */
  readonly statementTimeout: number;
  /** In milliseconds. */
  readonly connectTimeout: number;
}

export type LogLevel = (typeof LOG_LEVELS)[number];

/** A variable has a bad value, or lacks one. The message is one line that names it, and never shows a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the configuration from environment variables. An empty one counts as not set.
 *
 * @throws ConfigError about the first variable that is wrong
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = Variables.safeParse(set);
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
    },
    corsOrigins: variables.CORS_ORIGINS ?? (production ? [] : 'localhost'),
    introspection:
      variables.INTROSPECTION === undefined ? !production && only !== 'on' : variables.INTROSPECTION === 'on',
    trustedDocuments: path === undefined ? null : { path, only: only === 'on' },
    rateLimit: variables.RATE_LIMIT ?? null,
    dataDir: variables.DATA_DIR ?? null,
    database:
      variables.DATABASE_URL === undefined
        ? null
        : {
            url: variables.DATABASE_URL,
            poolSize: variables.DATABASE_POOL_SIZE ?? 10,
            statementTimeout: (variables.DATABASE_STATEMENT_TIMEOUT ?? 5) * 1_000,
            connectTimeout: (variables.DATABASE_CONNECT_TIMEOUT ?? 5) * 1_000,
          },
    logLevel: variables.LOG_LEVEL,
    metricsPort: variables.METRICS_PORT ?? null,
    traceEndpoint: variables.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
  };
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const PORT_RULE = 'must be a whole number from 0 (any free port) to 65535';
const SECRET_RULE = `must have at least ${MIN_SECRET_BYTES} bytes; \`openssl rand -base64 32\` makes a good one`;
const URL_RULE = 'must be an http or https URL without user name and password';
const ORIGINS_RULE =
  'must list origins exactly as browsers send them, such as https://app.example.com,http://localhost:3000';

const DATABASE_RULE = 'must be a URL such as postgres://user:password@host:5432/database';

const RATE_RULE = 'must be a number of requests a second, above 0 and at most 1000000';

const port = z
  .string()
  .regex(/^\d{1,5}$/, PORT_RULE)
  .transform(Number)
  .refine((number) => number <= 65_535, PORT_RULE);
const httpUrl = z
  .string()
  .refine(isFetchable, URL_RULE)
  .transform((url) => new URL(url));
const trimmed = z.string().refine((text) => text === text.trim(), 'must not begin or end with white space');

function wholeNumber(unit: string, min: number, max: number) {
  const rule = `must be a whole number of ${unit} from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,6}$/, rule)
    .transform(Number)
    .refine((number) => number >= min && number <= max, rule);
}

const Variables = z
  .object({
    // A closed list: NODE_ENV=prod would otherwise quietly start a server with the rules of development.
    NODE_ENV: z
      .enum(['production', 'development', 'test'], 'must be production, development or test')
      .optional(),
    PORT: port.default(4000),
    HOST: z.string().refine(isHost, 'must be an IP address or a host name').default('127.0.0.1'),
    AUTH_SECRET: z.string().refine(isSecret, SECRET_RULE).optional(),
    AUTH_JWKS_URL: httpUrl.optional(),
    AUTH_ISSUER: trimmed.optional(),
    AUTH_AUDIENCE: trimmed.optional(),
    AUTH_OWNER_CLAIM: trimmed.default('sub'),
    CORS_ORIGINS: z
      .string()
      .transform((list) => list.split(',').map((origin) => origin.trim()))
      .pipe(z.array(z.string().refine(isOrigin, ORIGINS_RULE)))
      .optional(),
    INTROSPECTION: z.enum(['on', 'off'], 'must be on or off').optional(),
    TRUSTED_DOCUMENTS: z.string().optional(),
    TRUSTED_DOCUMENTS_ONLY: z.enum(['on', 'off'], 'must be on or off').optional(),
    RATE_LIMIT: z
      .string()
      .regex(/^\d{1,7}(\.\d{1,6})?$/, RATE_RULE)
      .transform(Number)
      .refine((rate) => rate > 0 && rate <= 1_000_000, RATE_RULE)
      .optional(),
    DATA_DIR: trimmed.optional(),
    DATABASE_URL: z.string().refine(isDatabaseUrl, DATABASE_RULE).optional(),
    DATABASE_POOL_SIZE: wholeNumber('connections', 1, 1_000).optional(),
    DATABASE_STATEMENT_TIMEOUT: wholeNumber('seconds', 1, 600).optional(),
    DATABASE_CONNECT_TIMEOUT: wholeNumber('seconds', 1, 600).optional(),
    LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
    METRICS_PORT: port.optional(),
    OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  })
  .superRefine((variables, context) => {
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

function isHost(text: string): boolean {
  const isName = /^\w[\w-]*(\.\w[\w-]*)*$/.test(text) && /[^\d.]/.test(text);
  return isIP(text) !== 0 || (isName && text.length <= 253);
}

function isFetchable(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

function isDatabaseUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text) && URL.canParse(text);
}

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/** The variables whose values no one minds to see in a log. */
const SHOWN = new Set([
  'NODE_ENV',
  'PORT',
  'HOST',
  'INTROSPECTION',
  'RATE_LIMIT',
  'DATA_DIR',
  'DATABASE_POOL_SIZE',
  'DATABASE_STATEMENT_TIMEOUT',
  'DATABASE_CONNECT_TIMEOUT',
  'LOG_LEVEL',
  'METRICS_PORT',
]);

function describe(
  { issues: [issue] }: z.ZodError,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const [name = '', entry] = issue?.path.map(String) ?? [];
  const problem = `${name} ${issue?.message}`;
  if (entry !== undefined) return `${problem}; entry ${Number(entry) + 1} is not one.`;
  const value = SHOWN.has(name) ? env[name] : undefined;
  return value === undefined ? `${problem}.` : `${problem}, and is ${JSON.stringify(value.slice(0, 40))}.`;
}
