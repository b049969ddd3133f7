import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ALLOWED } from '../contract/status-table.ts';
import { type Block, blocksOf, blockUnder } from '../support/blocks.ts';

/** Blocks of a page, and the file that executes or checks them. */
interface Claim {
  readonly page: string;
  /** A heading that the blocks are under. Default: any. */
  readonly under?: string;
  /** Default: any. */
  readonly language?: string;
  /** What the blocks contain. Default: anything. */
  readonly containing?: string;
  /** A file that reads the page; or why nothing does. */
  readonly by: string | { readonly nothing: string };
}

const DEPLOYMENT = 'test/deep/deployment/deployment.test.ts';
const DOCUMENTS = 'test/deep/process/documents.test.ts';
const PAGES_TEST = 'test/deep/process/pages.test.ts';
const PACKAGE = 'test/deep/package/package.test.ts';
const PROGRAMS = 'test/deep/process/programs.test.ts';
const PROXIES = 'test/deep/deployment/proxies.ts';
const CLIENTS = 'test/deep/process/clients-document.test.ts';
const EXAMPLES = 'test/deep/workers/examples.test.ts';
const TYPES = 'test/deep/clients/types.test.ts';
const OBSERVABILITY = 'test/deep/process/observability.test.ts';
const THIS = 'test/unit/blocks.test.ts';

/** The first claim that fits a block is the block's. */
const CLAIMS: readonly Claim[] = [
  { page: 'README.md', language: 'mermaid', by: { nothing: 'It is a drawing.' } },
  { page: 'README.md', under: 'Start', by: THIS },
  { page: 'README.md', under: 'The demo', by: 'test/unit/documents.test.ts' },
  { page: 'README.md', by: EXAMPLES },
  { page: 'CONTRIBUTING.md', by: THIS },
  { page: 'bench/README.md', by: THIS },
  { page: 'clients/python/README.md', by: EXAMPLES },
  { page: 'docs/auth.md', by: CLIENTS },
  { page: 'docs/clients.md', under: 'curl', by: DOCUMENTS },
  { page: 'docs/clients.md', under: 'graphql-codegen', by: TYPES },
  { page: 'docs/clients.md', under: 'gql.tada', by: TYPES },
  { page: 'docs/clients.md', by: CLIENTS },
  { page: 'docs/configuration.md', by: PAGES_TEST },
  { page: 'docs/deploy.md', under: 'Docker', by: DEPLOYMENT },
  { page: 'docs/deploy.md', under: 'Compose with PostgreSQL', by: DEPLOYMENT },
  { page: 'docs/deploy.md', under: 'nginx', by: PROXIES },
  { page: 'docs/deploy.md', under: 'Caddy', by: PROXIES },
  { page: 'docs/deploy.md', by: 'test/deep/deployment/manifests.ts' },
  { page: 'docs/embedding.md', by: PACKAGE },
  { page: 'docs/front-ends.md', under: 'What a worker gets', by: PACKAGE },
  { page: 'docs/front-ends.md', by: 'test/deep/clients/front-ends-document.test.ts' },
  { page: 'docs/langgraph.md', language: 'sh', by: PAGES_TEST },
  { page: 'docs/langgraph.md', under: 'Front ends', by: PACKAGE },
  { page: 'docs/langgraph.md', by: PROGRAMS },
  { page: 'docs/moving.md', by: PAGES_TEST },
  { page: 'docs/operating.md', under: 'On a terminal', by: 'test/http/observability/terminal-log.test.ts' },
  { page: 'docs/operating.md', under: 'Logs', by: OBSERVABILITY },
  { page: 'docs/operating.md', under: 'Metrics', by: OBSERVABILITY },
  { page: 'docs/postgres.md', under: 'A pooler', by: 'test/support/postgres/pgbouncer.ts' },
  { page: 'docs/postgres.md', by: PAGES_TEST },
  { page: 'docs/quickstart.md', under: 'A first session', by: DOCUMENTS },
  { page: 'docs/quickstart.md', under: 'Execute a run', by: DOCUMENTS },
  { page: 'docs/quickstart.md', by: THIS },
  { page: 'docs/runs.md', language: 'mermaid', by: THIS },
  { page: 'docs/runs.md', by: DOCUMENTS },
  { page: 'docs/trusted-documents.md', containing: 'CodegenConfig', by: TYPES },
  { page: 'docs/trusted-documents.md', by: PAGES_TEST },
  { page: 'docs/workers.md', by: PROGRAMS },
];

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['.', 'bench', 'clients', 'docs', 'examples', 'scripts', 'src', 'test'];
const IGNORED = /(?:^|\/)(?:node_modules|\.venv|installed|dist|coverage)(?:\/|$)/;

const pages = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: folder !== '.', encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => name.endsWith('.md') && !IGNORED.test(name)),
);
const blocks = pages.flatMap(blocksOf);

function claimOf({ page, headings, language, body }: Block): Claim | undefined {
  return CLAIMS.find(
    (claim) =>
      claim.page === page &&
      (claim.under === undefined || headings.includes(claim.under)) &&
      (claim.language === undefined || claim.language === language) &&
      (claim.containing === undefined || body.includes(claim.containing)),
  );
}

describe('the blocks of the pages', () => {
  it('should each be run, or compared with what is so, by a test', () => {
    expect(blocks.length).toBeGreaterThan(100);
    const unclaimed = blocks.filter((block) => claimOf(block) === undefined);
    expect(unclaimed.map(({ page, line }) => `${page}:${line}`)).toEqual([]);
  });

  it('should be those that the claims are about', () => {
    const used = new Set(blocks.map(claimOf));
    expect(CLAIMS.filter((claim) => !used.has(claim))).toEqual([]);
  });

  it('should be read by the files that claim them', () => {
    const wrong = CLAIMS.filter(({ by, page }) => {
      if (typeof by !== 'string' || by === THIS) return false;
      return !existsSync(join(ROOT, by)) || !readFileSync(join(ROOT, by), 'utf8').includes(`'${page}`);
    });
    expect(wrong).toEqual([]);
  });
});

describe('the scripts of npm that the pages name', () => {
  it('should exist', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
    const named = pages.flatMap((page) => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      const runs = Array.from(
        text.matchAll(/npm run (?:-s |--silent )?([a-z][\w:-]*)/g),
        ([, name = '']) => name,
      );
      const short = Array.from(text.matchAll(/npm (start|test)\b/g), ([, name = '']) => name);
      return [...runs, ...short].map((name) => ({ page, name }));
    });
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter(({ name }) => !(name in scripts))).toEqual([]);
  });
});

describe('the diagram of a run in docs/runs.md', () => {
  const { body } = blockUnder('docs/runs.md', 'The life of a run', 'mermaid');
  const steps = Array.from(body.matchAll(/^ {2}(\S+) --> (\S+): /gm), ([, from = '', to = '']) => ({
    from,
    to,
  }));
  const isRunning = (state: string) =>
    body.includes(`state "RUNNING, `) && ['held', 'between'].includes(state);
  const statusOf = (state: string) => (isRunning(state) ? 'RUNNING' : state);

  it('should have steps that a run can take', () => {
    expect(steps.length).toBeGreaterThan(10);
    const allowed: Readonly<Record<string, readonly string[]>> = { ...ALLOWED, '[*]': ['PENDING'] };
    const wrong = steps.filter(({ from, to }) => !allowed[statusOf(from)]?.includes(statusOf(to)));
    expect(wrong).toEqual([]);
  });

  it('should have all ends of a run', () => {
    const ends = steps.filter(({ from }) => isRunning(from)).map(({ to }) => statusOf(to));
    expect(new Set(ends)).toEqual(new Set(ALLOWED.RUNNING));
  });
});
