import { readdirSync, readFileSync } from 'node:fs';
import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { tour } from '../../src/cli/demo/tour.ts';
import { schema } from '../../src/schema/schema.ts';
import { blocksOf } from '../support/blocks.ts';

const ROOT = new URL('../../', import.meta.url);
const DOCS = readdirSync(new URL('docs/', ROOT)).filter((name) => name.endsWith('.md'));
const PAGES = ['README.md', ...DOCS.map((name) => `docs/${name}`)];

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

/** The documents of a page: its blocks of `graphql`, and what its programs and commands mark as one. */
function documentsOf(page: string): readonly string[] {
  const text = readFileSync(new URL(page, ROOT), 'utf8');
  const blocks = blocksOf(page).flatMap(({ language, body }) => (language === 'graphql' ? [body] : []));
  const marked = text.matchAll(/\bgql`(.*?)`/gs);
  const commands = text.matchAll(/\bgql '((?:query|mutation|subscription|\{).*?)'/gs);
  return [...blocks, ...Array.from([...marked, ...commands], ([, document = '']) => document)];
}

describe.each(PAGES.filter((page) => documentsOf(page).length > 0))('%s', (page) => {
  it('should have documents that the schema knows', () => {
    for (const text of documentsOf(page)) {
      const { definitions, ...document } = parse(text);
      // A block may show several, of which a request would run one.
      for (const definition of definitions) {
        const errors = validate(schema, { ...document, definitions: [definition] });
        expect({ text, errors }).toEqual({ text, errors: [] });
      }
    }
  });
});

describe('the documents', () => {
  it('should be found', () => {
    expect(documentsOf('README.md').length).toBeGreaterThan(0);
    expect(documentsOf('docs/quickstart.md').length).toBeGreaterThan(5);
    expect(documentsOf('docs/clients.md').length).toBeGreaterThan(4);
  });
});

describe('the demo in README.md', () => {
  it('should be what the demo prints', () => {
    const text = readFileSync(new URL('README.md', ROOT), 'utf8');
    const [, shown = ''] = /\n`npm run demo` .*?^```\n(.*?)…\n```$/ms.exec(text) ?? [];
    expect(shown.length).toBeGreaterThan(100);
    const seeded = { assistantId: 'a', asking: { id: 'b', threadId: 'c' } };
    expect(tour('http://localhost:4000/graphql', seeded)).toContain(shown);
  });
});

describe('the versions of LangGraph in docs/langgraph.md', () => {
  it('should be those that the tests have', () => {
    const { devDependencies }: { devDependencies: Record<string, string> } = JSON.parse(read('package.json'));
    const pins = read('test/binaries/langgraph-python/requirements.txt').matchAll(/^(\S+)==(\S+)$/gm);
    const versions = new Map([
      ...Object.entries(devDependencies),
      ...Array.from(pins, ([, name = '', version = '']) => [name, version] as const),
    ]);
    const [, sentence = ''] = /^Tested with (.+)$/m.exec(read('docs/langgraph.md')) ?? [];
    const named = Array.from(
      sentence.matchAll(/`(\S+)` (\d+\.\d+\.\d+)/g),
      ([, name = '', version = '']) => ({ name, version }),
    );
    expect(named.length).toBe(4);
    expect(named).toEqual(named.map(({ name }) => ({ name, version: versions.get(name) })));
  });
});
