import { isIP } from 'node:net';
import { z } from 'zod';
import { isSecret, MIN_SECRET_BYTES } from './auth/secret.ts';
import { LOG_LEVELS } from './observability/log-level.ts';
import { parseConnectionUri } from './store/postgres/uri/parse-uri.ts';
import { ConnectionUriError } from './store/postgres/uri/uri-error.ts';

/** What is known of a variable besides its rule. docs/configuration.md and .env.example are generated from it. */
export interface VariableMetadata {
  /** Sentences of Markdown, in one line. */
  readonly description: string;
  /** The default as Markdown, without a full stop; left out where the schema has a default. */
  readonly default?: string;
  /** A value for .env.example, which needs no quotes in a shell. */
  readonly example: string;
  /** Set where an error message may quote the value, since it is never a secret. */
  readonly isQuoted?: true;
}

/** The metadata of each variable, by its schema. */
export const variableMetadata = z.registry<VariableMetadata>();

/** The defaults of what may be set together with DATABASE_URL only: a number of connections, and seconds. */
export const DATABASE_DEFAULTS = { poolSize: 10, statementTimeout: 5, connectTimeout: 5 } as const;

const PORT_RULE = 'must be a whole number from 0 (any free port) to 65535';
/** What AUTH_SECRET must be. */
export const SECRET_RULE = `must have at least ${MIN_SECRET_BYTES} bytes; \`openssl rand -base64 32\` makes a good one`;
const URL_RULE = 'must be an http or https URL without user name and password';
const ORIGINS_RULE =
  'must list origins exactly as browsers send them, without wildcards, such as https://app.example.com,capacitor://localhost';
const KUBERNETES_RULE =
  'is what Kubernetes sets for a service named `metrics`: set `enableServiceLinks: false` in the pod';
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
const databaseUrl = z.string().transform((uri, context) => {
  try {
    return parseConnectionUri(uri);
  } catch (error) {
    if (!(error instanceof ConnectionUriError)) throw error;
    context.addIssue(error.message);
    return z.NEVER;
  }
});
const onOrOff = z.enum(['on', 'off'], 'must be on or off');

/** Kubernetes sets `METRICS_PORT=tcp://…` in each pod beside a service named `metrics`. */
const metricsPort = z
  .string()
  .refine((text) => !text.startsWith('tcp://'), KUBERNETES_RULE)
  .pipe(port);

function wholeNumber(unit: string, min: number, max: number) {
  const rule = `must be a whole number of ${unit} from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,6}$/, rule)
    .transform(Number)
    .refine((number) => number >= min && number <= max, rule);
}

/** The environment variables that the server reads, and the rule of each by itself. An empty one counts as not set. */
export const environment = z.object({
  // A closed list: NODE_ENV=prod would otherwise quietly start a server with the rules of development.
  NODE_ENV: z
    .enum(['production', 'development', 'test'], 'must be production, development or test')
    .optional()
    .register(variableMetadata, {
      description:
        '`production`, `development` or `test`. Production has stricter defaults, and requires `AUTH_ISSUER`, `AUTH_AUDIENCE`, and `AUTH_SECRET` or `AUTH_JWKS_URL`.',
      default: '`development`',
      example: 'production',
      isQuoted: true,
    }),
  PORT: port.default(4000).register(variableMetadata, {
    description: 'The port of the API; 0 takes any free port.',
    example: '4000',
    isQuoted: true,
  }),
  HOST: z
    .string()
    .refine(isHost, 'must be an IP address or a host name')
    .default('127.0.0.1')
    .register(variableMetadata, {
      description: 'The address to listen on; `0.0.0.0` for all.',
      example: '0.0.0.0',
      isQuoted: true,
    }),
  AUTH_SECRET: z
    .string()
    .refine(isSecret, SECRET_RULE)
    .optional()
    .register(variableMetadata, {
      description: `The HS256 secret that signs tokens, at least ${MIN_SECRET_BYTES} bytes: \`openssl rand -base64 32\` makes one.`,
      default: 'none in production; otherwise made at the first start, and kept in `.dev-secret`',
      example: 'change-me',
    }),
  AUTH_JWKS_URL: httpUrl.optional().register(variableMetadata, {
    description: "The identity provider's key set (RS256, PS256, ES256, EdDSA), in place of `AUTH_SECRET`.",
    default: 'none',
    example: 'https://id.example.com/.well-known/jwks.json',
  }),
  AUTH_ISSUER: trimmed.optional().register(variableMetadata, {
    description: 'The `iss` that tokens must have. Required in production.',
    default: 'not checked',
    example: 'https://id.example.com/',
  }),
  AUTH_AUDIENCE: trimmed.optional().register(variableMetadata, {
    description: 'The `aud` that tokens must have. Required in production.',
    default: 'not checked',
    example: 'agents',
  }),
  AUTH_OWNER_CLAIM: trimmed.default('sub').register(variableMetadata, {
    description: 'The claim that names the owner.',
    example: 'sub',
  }),
  AUTH_WORKER_SCOPE: z
    .string()
    .regex(/^\S+$/, 'must be one word without white space')
    .optional()
    .register(variableMetadata, {
      description: "The word in a token's `scope` that lets it claim runs of every owner: see docs/auth.md.",
      default: 'none in production, otherwise `agent-graphql:worker`',
      example: 'agent-graphql:worker',
      isQuoted: true,
    }),
  CORS_ORIGINS: z
    .string()
    .transform((list) => list.split(',').map((origin) => origin.trim()))
    .pipe(z.array(z.string().refine(isOrigin, ORIGINS_RULE)))
    .optional()
    .register(variableMetadata, {
      description: 'The origins that a browser may call from, separated by commas.',
      default: 'none in production, otherwise any localhost',
      example: 'https://app.example.com,http://localhost:3000',
    }),
  INTROSPECTION: onOrOff.optional().register(variableMetadata, {
    description: '`on` or `off`: whether clients may read the schema. GraphiQL needs it.',
    default: '`off` in production and with `TRUSTED_DOCUMENTS_ONLY=on`, otherwise `on`',
    example: 'off',
    isQuoted: true,
  }),
  TRUSTED_DOCUMENTS: z.string().optional().register(variableMetadata, {
    description: 'A file of trusted documents by their SHA-256, as graphql-codegen writes it.',
    default: 'none',
    example: './persisted-documents.json',
  }),
  TRUSTED_DOCUMENTS_ONLY: onOrOff.optional().register(variableMetadata, {
    description: '`on` or `off`: whether other documents are refused.',
    default: '`off`',
    example: 'on',
  }),
  RATE_LIMIT: z
    .string()
    .regex(/^\d{1,7}(\.\d{1,6})?$/, RATE_RULE)
    .transform(Number)
    .refine((rate) => rate > 0 && rate <= 1_000_000, RATE_RULE)
    .optional()
    .register(variableMetadata, {
      description: 'Requests per second and owner; more are refused with HTTP 429.',
      default: 'no limit',
      example: '50',
      isQuoted: true,
    }),
  EVENT_RETENTION_HOURS: wholeNumber('hours', 1, 8_760).default(24).register(variableMetadata, {
    description: 'Hours that the events of a run are kept after its end, 1 to 8,760.',
    example: '24',
    isQuoted: true,
  }),
  DATA_DIR: trimmed.optional().register(variableMetadata, {
    description: 'The folder that keeps the data on disk. Not together with `DATABASE_URL`.',
    default: 'none: the data ends with the process',
    example: './data',
    isQuoted: true,
  }),
  DATABASE_URL: databaseUrl.optional().register(variableMetadata, {
    description: 'The PostgreSQL that keeps the data, shared by any number of servers.',
    default: 'none',
    example: 'postgres://user:password@localhost:5432/agents',
  }),
  DATABASE_POOL_SIZE: wholeNumber('connections', 1, 1_000)
    .optional()
    .register(variableMetadata, {
      description: 'Connections of this server to PostgreSQL, 1 to 1,000, besides the one that listens.',
      default: `\`${DATABASE_DEFAULTS.poolSize}\``,
      example: '20',
      isQuoted: true,
    }),
  DATABASE_STATEMENT_TIMEOUT: wholeNumber('seconds', 1, 600)
    .optional()
    .register(variableMetadata, {
      description: 'Seconds that a statement may take, 1 to 600.',
      default: `\`${DATABASE_DEFAULTS.statementTimeout}\``,
      example: '10',
      isQuoted: true,
    }),
  DATABASE_CONNECT_TIMEOUT: wholeNumber('seconds', 1, 600)
    .optional()
    .register(variableMetadata, {
      description: 'Seconds that connecting to PostgreSQL may take, 1 to 600.',
      default: `\`${DATABASE_DEFAULTS.connectTimeout}\``,
      example: '10',
      isQuoted: true,
    }),
  SHUTDOWN_DELAY: wholeNumber('seconds', 0, 3_600).default(0).register(variableMetadata, {
    description:
      'Seconds after SIGTERM in which `/ready` answers 503 and everything else is still served, 0 to 3,600.',
    example: '10',
    isQuoted: true,
  }),
  KEEP_ALIVE: wholeNumber('seconds', 1, 3_600).default(75).register(variableMetadata, {
    description: 'Seconds that an idle connection is kept, 1 to 3,600. Longer than a proxy keeps it.',
    example: '75',
    isQuoted: true,
  }),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`)
    .default('info')
    .register(variableMetadata, {
      description: `The least severe level that is logged: ${LOG_LEVELS.map((level) => `\`${level}\``).join(', ')}.`,
      example: 'info',
      isQuoted: true,
    }),
  METRICS_PORT: metricsPort.optional().register(variableMetadata, {
    description: 'The port of `GET /metrics` for Prometheus. Do not open it to everybody.',
    default: 'none: nothing is measured',
    example: '9464',
    isQuoted: true,
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional().register(variableMetadata, {
    description: 'The OpenTelemetry collector, over HTTP. Traces go to `/v1/traces` below it.',
    default: 'none: nothing is traced',
    example: 'http://localhost:4318',
  }),
});

function isHost(text: string): boolean {
  const isName = /^\w[\w-]*(\.\w[\w-]*)*$/.test(text) && /[^\d.]/.test(text);
  return isIP(text) !== 0 || (isName && text.length <= 253);
}

function isFetchable(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/**
 * Whether a browser can send a text as an `Origin`: `scheme://host`, also of web views and extensions. Those of http
 * and https are compared as browsers normalise them: https://url.spec.whatwg.org/#concept-url-origin
 */
function isOrigin(text: string): boolean {
  if (!/^[a-z][a-z\d+.-]*:\/\/[^\s/?#@*]+$/.test(text) || !URL.canParse(text)) return false;
  if (/^(?:ws|wss|ftp|file):/.test(text)) return false;
  return !/^https?:/.test(text) || new URL(text).origin === text;
}
