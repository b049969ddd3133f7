import { describe, expect, it } from 'vitest';
import { startupSummary } from '../../../src/cli/startup-summary.ts';
import { readConfig } from '../../../src/config.ts';
import { createPaint } from '../../../src/observability/paint.ts';
import type { StartedServer } from '../../../src/start-server.ts';

const STARTED: StartedServer = { url: 'http://localhost:4000/graphql', devToken: 'a.b.c', hasPage: true };
const SCRIPT = { npm_package_name: 'agent-graphql', npm_lifecycle_event: 'start' };
const NPX = { npm_lifecycle_event: 'npx' };
const PRODUCTION = { NODE_ENV: 'production', AUTH_ISSUER: 'https://id.example', AUTH_AUDIENCE: 'agents' };

/** The startup summary, by the names of its rows. */
function summary(
  variables: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = SCRIPT,
  started: Partial<StartedServer> = {},
) {
  const text = startupSummary(readConfig(variables), { ...STARTED, ...started }, env, createPaint(false));
  const [, title = ''] = /^\n {2}(.*)\n\n/.exec(text) ?? [];
  return {
    title,
    rows: Object.fromEntries(
      Array.from(text.matchAll(/^ {2}(\w+) {2,}(.*)$/gm), ([, name = '', value = '']) => [name, value]),
    ),
  };
}

describe('the startup summary', () => {
  it('should say where the server is, and what to do next', () => {
    const { title, rows } = summary();
    expect(title).toMatch(/^agent-graphql \d+\.\d+\.\d+$/);
    expect(rows).toEqual({
      GraphiQL: 'http://localhost:4000/graphql',
      Owner: 'dev, whose token GraphiQL has',
      Data: 'in memory, until the server stops. To keep it: DATA_DIR=data npm start',
      Tokens: 'npm run -s token -- alice',
      Workers: 'AGENT_GRAPHQL_TOKEN=$(npm run -s token -- --worker worker-1) node examples/worker.mjs',
      Token: 'a.b.c',
    });
  });

  it('should name the commands as they are typed with npx', () => {
    expect(summary({}, NPX).rows).toMatchObject({
      Data: 'in memory, until the server stops. To keep it: npx agent-graphql --data data',
      Tokens: 'npx agent-graphql token alice',
      Workers: 'npx agent-graphql token --worker worker-1 prints the token of one',
    });
  });

  it('should say where the data is, without the password', () => {
    expect(summary({ DATA_DIR: './kept' }).rows).toMatchObject({ Data: 'in the folder ./kept' });
    const { rows } = summary({ DATABASE_URL: 'postgres://user:password@db.example/agents' });
    expect(rows).toMatchObject({ Data: 'in PostgreSQL: agents on db.example' });
  });

  it('should give no token away in production, nor offer what does not work there', () => {
    const started = { devToken: null, hasPage: false };
    const jwks = { ...PRODUCTION, AUTH_JWKS_URL: 'https://id.example/keys' };
    const { title, rows } = summary(jwks, SCRIPT, started);
    expect(title).toMatch(/, in production$/);
    expect(rows).toMatchObject({ Owner: 'whom a token of id.example names (sub)' });
    expect(Object.keys(rows)).toEqual(['API', 'Owner', 'Data']);
    const secret = { ...PRODUCTION, AUTH_SECRET: 'a secret for tests, 32 bytes or more' };
    expect(Object.keys(summary(secret, SCRIPT, started).rows)).toEqual(['API', 'Owner', 'Data', 'Tokens']);
  });
});
