import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readConfig } from '../../src/config.ts';
import { ConfigError } from '../../src/lib/config-error.ts';
import { parseConnectionUri } from '../../src/store/postgres/uri/parse-uri.ts';

const SECRET = 'correct horse battery staple etc';
const production = {
  NODE_ENV: 'production',
  AUTH_SECRET: SECRET,
  AUTH_ISSUER: 'https://id.example.com',
  AUTH_AUDIENCE: 'agents',
};

/** What stops the start; null when nothing does. */
function refusalOf(env: Record<string, string>): string | null {
  try {
    readConfig(env);
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

const DEFAULTS = {
  production: false,
  host: '127.0.0.1',
  port: 4000,
  auth: {
    secret: null,
    jwksUrl: null,
    issuer: null,
    audience: null,
    ownerClaim: 'sub',
    workerScope: 'agent-graphql:worker',
  },
  eventRetention: 86_400_000,
  corsOrigins: 'localhost',
  introspection: true,
  rateLimit: null,
  trustedDocuments: null,
  dataDir: null,
  database: null,
  logLevel: 'info',
  shutdownDelay: 0,
  keepAlive: 75_000,
  metricsPort: null,
  traceEndpoint: null,
};

const DATABASE_URL = 'postgres://agents:secret@localhost/agents';
const { server } = parseConnectionUri(DATABASE_URL);
const DATABASE = { server, poolSize: 10, statementTimeout: 5_000, connectTimeout: 5_000 };

describe('the configuration', () => {
  it('should need no variable', () => {
    expect(readConfig({})).toEqual(DEFAULTS);
  });

  it('should take an empty variable as not set, and ignore others', () => {
    const names = [
      'NODE_ENV',
      'PORT',
      'HOST',
      'AUTH_SECRET',
      'AUTH_JWKS_URL',
      'AUTH_ISSUER',
      'AUTH_AUDIENCE',
    ];
    const more = ['AUTH_OWNER_CLAIM', 'CORS_ORIGINS', 'INTROSPECTION', 'RATE_LIMIT', 'LOG_LEVEL'];
    const trust = ['TRUSTED_DOCUMENTS', 'TRUSTED_DOCUMENTS_ONLY'];
    const data = ['DATA_DIR', 'DATABASE_URL', 'DATABASE_POOL_SIZE', 'DATABASE_STATEMENT_TIMEOUT'];
    const watch = ['DATABASE_CONNECT_TIMEOUT', 'METRICS_PORT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
    const env = Object.fromEntries(
      [...names, ...more, ...trust, ...data, ...watch].map((name) => [name, '']),
    );
    expect(readConfig({ ...env, HOME: '/root', PATH: undefined })).toEqual(DEFAULTS);
  });

  it.each<[string, string, object]>([
    ['PORT', '0', { port: 0 }],
    ['PORT', '65535', { port: 65_535 }],
    ['HOST', '0.0.0.0', { host: '0.0.0.0' }],
    ['HOST', '::1', { host: '::1' }],
    ['HOST', 'my_service-1.internal', { host: 'my_service-1.internal' }],
    ['CORS_ORIGINS', 'https://a.example', { corsOrigins: ['https://a.example'] }],
    [
      'CORS_ORIGINS',
      'https://a.example, http://localhost:3000',
      { corsOrigins: ['https://a.example', 'http://localhost:3000'] },
    ],
    [
      'CORS_ORIGINS',
      'capacitor://localhost,chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai',
      { corsOrigins: ['capacitor://localhost', 'chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai'] },
    ],
    ['SHUTDOWN_DELAY', '10', { shutdownDelay: 10_000 }],
    ['EVENT_RETENTION_HOURS', '1', { eventRetention: 3_600_000 }],
    ['EVENT_RETENTION_HOURS', '8760', { eventRetention: 31_536_000_000 }],
    ['KEEP_ALIVE', '5', { keepAlive: 5_000 }],
    ['METRICS_PORT', '9464', { metricsPort: 9464 }],
    ['METRICS_PORT', '0', { metricsPort: 0 }],
    [
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'http://localhost:4318',
      { traceEndpoint: new URL('http://localhost:4318') },
    ],
    ['INTROSPECTION', 'on', { introspection: true }],
    ['RATE_LIMIT', '1', { rateLimit: 1 }],
    ['RATE_LIMIT', '0.5', { rateLimit: 0.5 }],
    ['RATE_LIMIT', '1000000', { rateLimit: 1_000_000 }],
    ['INTROSPECTION', 'off', { introspection: false }],
    ['TRUSTED_DOCUMENTS', 'a/b.json', { trustedDocuments: { path: 'a/b.json', only: false } }],
    ['TRUSTED_DOCUMENTS_ONLY', 'off', {}],
    ...['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map(
      (level): [string, string, object] => ['LOG_LEVEL', level, { logLevel: level }],
    ),
    ['DATA_DIR', '/var/lib/agents', { dataDir: '/var/lib/agents' }],
    ['DATABASE_URL', DATABASE_URL, { database: DATABASE }],
    ['NODE_ENV', 'development', {}],
    ['NODE_ENV', 'test', {}],
  ])('should read %s=%s', (name, value, changes) => {
    expect(readConfig({ [name]: value })).toEqual({ ...DEFAULTS, ...changes });
  });

  it.each([
    ['AUTH_SECRET', SECRET, { secret: SECRET }],
    ['AUTH_SECRET', '€'.repeat(11), { secret: '€'.repeat(11) }],
    ['AUTH_JWKS_URL', 'http://localhost:9000/keys', { jwksUrl: new URL('http://localhost:9000/keys') }],
    ['AUTH_JWKS_URL', 'https://id.example/jwks?v=1', { jwksUrl: new URL('https://id.example/jwks?v=1') }],
    ['AUTH_ISSUER', 'https://id.example/', { issuer: 'https://id.example/' }],
    ['AUTH_AUDIENCE', 'agents', { audience: 'agents' }],
    ['AUTH_OWNER_CLAIM', 'https://example.com/tenant.id', { ownerClaim: 'https://example.com/tenant.id' }],
    ['AUTH_WORKER_SCOPE', 'runs:execute', { workerScope: 'runs:execute' }],
  ])('should read %s=%s', (name, value, auth) => {
    expect(readConfig({ [name]: value })).toEqual({ ...DEFAULTS, auth: { ...DEFAULTS.auth, ...auth } });
  });

  it.each([
    ['DATABASE_POOL_SIZE', '1', { poolSize: 1 }],
    ['DATABASE_POOL_SIZE', '1000', { poolSize: 1_000 }],
    ['DATABASE_STATEMENT_TIMEOUT', '600', { statementTimeout: 600_000 }],
    ['DATABASE_CONNECT_TIMEOUT', '1', { connectTimeout: 1_000 }],
  ])('should read %s=%s, with DATABASE_URL alone', (name, value, changes) => {
    const { database } = readConfig({ DATABASE_URL, [name]: value });
    expect(database).toEqual({ ...DATABASE, ...changes });
    expect(refusalOf({ [name]: value })).toMatch(`${name} must not be set without DATABASE_URL`);
    for (const bad of ['0', '1001', '-1', '1.5', 'x', '1e2']) {
      expect(refusalOf({ DATABASE_URL, [name]: bad })).toMatch(new RegExp(`^${name} must be a whole number`));
    }
  });

  it('should have one time limit for connecting to PostgreSQL', () => {
    const env = { DATABASE_URL: `${DATABASE_URL}?connect_timeout=7` };
    expect(readConfig(env).database).toEqual({ ...DATABASE, connectTimeout: 7_000 });
    expect(refusalOf({ ...env, DATABASE_CONNECT_TIMEOUT: '7' })).toBe(
      'DATABASE_CONNECT_TIMEOUT must not be set together with connect_timeout in DATABASE_URL, and is "7".',
    );
  });

  it('should keep the data in one place', () => {
    expect(refusalOf({ DATABASE_URL, DATA_DIR: 'data' })).toMatch(/^DATA_DIR must not be set together with/);
  });

  it.each([
    ['PORT', ['abc', '-1', '65536', '99999999999', '80.5', '1e3', ' 80', '0x50', '8080\n']],
    [
      'HOST',
      ['not a host', 'http://localhost', 'localhost:4000', '256.1.1.1', '127.1', '[::1]', 'a..b', '-'],
    ],
    ['AUTH_SECRET', ['short', 'x'.repeat(31), '€'.repeat(10)]],
    [
      'AUTH_JWKS_URL',
      ['id.example/keys', '/keys', 'ftp://id.example/keys', 'https://me:pass@id.example/keys'],
    ],
    ['AUTH_ISSUER', [' ', ' https://id.example', 'https://id.example\n']],
    ['AUTH_AUDIENCE', ['\t', 'agents ']],
    ['AUTH_OWNER_CLAIM', [' ', 'sub ']],
    ['AUTH_WORKER_SCOPE', [' ', 'two words', 'worker ', '"worker"']],
    ['EVENT_RETENTION_HOURS', ['0', '8761', '1.5', '-1', '1d']],
    [
      'CORS_ORIGINS',
      [
        '*',
        'null',
        'https://a.example/',
        'https://A.example',
        'a.example',
        'https://a.example,',
        ',',
        'file:///x',
        'ws://a.example',
        'https://*.example.com',
        'capacitor://localhost/',
        'https://a.example:443',
      ],
    ],
    ['DATA_DIR', [' ', 'data ']],
    [
      'DATABASE_URL',
      [
        'localhost',
        'mysql://localhost/agents',
        'postgres:',
        'postgres://a b',
        'postgres://u:%zz@h/d',
        'postgres://::1/d',
        'postgres://h/d?sslmode=nonsense',
        'postgres://h/d?channel_binding=require',
        'postgres://h/d?schema=public',
        'postgres://h/d?sslmode',
      ],
    ],
    ['INTROSPECTION', ['true', 'ON', '1']],
    ['TRUSTED_DOCUMENTS_ONLY', ['true', 'ON', '1', 'on']],
    ['LOG_LEVEL', ['verbose', 'INFO', '30']],
    ['METRICS_PORT', ['x', '65536', '-1', '4000']],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', ['localhost:4318', 'grpc://localhost', 'http://me:pass@localhost']],
    ['NODE_ENV', ['prod', 'Production', 'staging']],
  ])('should refuse a bad %s in one line that names it', (name, values) => {
    for (const value of values) {
      expect(refusalOf({ [name]: value })).toMatch(new RegExp(`^${name} must .+\\.$`));
    }
  });

  it('should say what was wrong and what is accepted', () => {
    expect(refusalOf({ PORT: 'abc' })).toBe(
      'PORT must be a whole number from 0 (any free port) to 65535, and is "abc".',
    );
    expect(refusalOf({ LOG_LEVEL: 'loud' })).toBe(
      'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, and is "loud".',
    );
    expect(refusalOf({ CORS_ORIGINS: 'https://a.example,https://user:pass@b.example' })).toMatch(
      /entry 2 is not one\.$/,
    );
  });

  it.each([
    ['AUTH_SECRET', `${'x'.repeat(32)}\n`, 'must not begin or end with white space.'],
    ['AUTH_ISSUER', '"https://id.example.com/"', 'must not be in quotes'],
    ['DATABASE_URL', "'postgres://localhost/agents'", 'must not be in quotes'],
    ['METRICS_PORT', 'tcp://10.0.0.1:9090', 'enableServiceLinks: false'],
  ])('should stop the start for what was surely not meant: %s=%j', (name, value, message) => {
    const refusal = refusalOf({ [name]: value });
    expect(refusal).toContain(name);
    expect(refusal).toContain(message);
    expect(refusal).not.toContain('\n');
  });

  it('should show the schema on demand where only trusted documents run', () => {
    const only = { TRUSTED_DOCUMENTS: 'x.json', TRUSTED_DOCUMENTS_ONLY: 'on' };
    const trustedDocuments = { path: 'x.json', only: true };
    expect(readConfig(only)).toEqual({ ...DEFAULTS, trustedDocuments, introspection: false });
    expect(readConfig({ ...only, INTROSPECTION: 'on' })).toEqual({ ...DEFAULTS, trustedDocuments });
  });

  it('should refuse to run only trusted documents where there are none', () => {
    expect(refusalOf({ TRUSTED_DOCUMENTS_ONLY: 'on' })).toBe(
      'TRUSTED_DOCUMENTS_ONLY must not be on without TRUSTED_DOCUMENTS: nothing would run.',
    );
  });

  it('should keep the metrics from everybody, but take any free port twice', () => {
    expect(refusalOf({ PORT: '5000', METRICS_PORT: '5000' })).toMatch(
      /^METRICS_PORT must not be the same as PORT/,
    );
    expect(refusalOf({ PORT: '0', METRICS_PORT: '0' })).toBeNull();
  });

  it('should refuse a secret together with a key set', () => {
    const message = refusalOf({ AUTH_SECRET: SECRET, AUTH_JWKS_URL: 'https://id.example/keys' });
    expect(message).toMatch(/^AUTH_JWKS_URL must not be set together with AUTH_SECRET/);
  });
});

describe('in production', () => {
  it('should start with a secret, and be closed by default', () => {
    expect(readConfig(production)).toEqual({
      ...DEFAULTS,
      production: true,
      auth: {
        secret: SECRET,
        jwksUrl: null,
        issuer: 'https://id.example.com',
        audience: 'agents',
        ownerClaim: 'sub',
        workerScope: null,
      },
      corsOrigins: [],
      introspection: false,
    });
  });

  it('should start with a key set, and be opened on demand', () => {
    const { AUTH_SECRET: _, ...rest } = production;
    const AUTH_JWKS_URL = 'https://id.example/keys';
    const config = readConfig({
      ...rest,
      AUTH_JWKS_URL,
      INTROSPECTION: 'on',
      CORS_ORIGINS: 'https://a.example',
    });
    expect(config).toMatchObject({ introspection: true, corsOrigins: ['https://a.example'] });
    expect(config.auth).toMatchObject({ secret: null, jwksUrl: new URL(AUTH_JWKS_URL) });
  });

  it.each(['AUTH_SECRET', 'AUTH_ISSUER', 'AUTH_AUDIENCE'])('should refuse to start without %s', (name) => {
    expect(refusalOf({ ...production, [name]: '' })).toMatch(
      new RegExp(`^${name} .*must be set in production`),
    );
  });

  it('should name both ways to verify tokens when neither is set', () => {
    expect(refusalOf({ NODE_ENV: 'production' })).toMatch(/^AUTH_SECRET or AUTH_JWKS_URL must be set/);
  });
});

it('should answer any environment with a configuration or one line that shows no secret', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
    fc.constantFrom('\n', 'production', '0', 'on'),
  );
  const env = fc.record(
    {
      NODE_ENV: text,
      PORT: text,
      HOST: text,
      AUTH_ISSUER: text,
      AUTH_AUDIENCE: text,
      AUTH_OWNER_CLAIM: text,
      CORS_ORIGINS: text,
      INTROSPECTION: text,
      RATE_LIMIT: text,
      TRUSTED_DOCUMENTS: text,
      TRUSTED_DOCUMENTS_ONLY: text,
      LOG_LEVEL: text,
      METRICS_PORT: text,
      OTEL_EXPORTER_OTLP_ENDPOINT: text,
      AUTH_JWKS_URL: fc.constantFrom(
        'https://me:hunter2hunter2@id.example',
        'hunter2hunter2',
        'https://id.example',
      ),
      AUTH_SECRET: fc.constantFrom('hunter2hunter2', 'hunter2hunter2'.repeat(3)),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(env, (variables) => {
      const message = refusalOf(variables) ?? 'PORT is good.';
      expect(message).toMatch(/^[A-Z_]+ [^\n\r]+\.$/);
      expect(message).not.toMatch(/hunter2|undefined/);
    }),
  );
});
