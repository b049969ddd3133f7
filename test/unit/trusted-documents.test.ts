import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/lib/config-error.ts';
import { schema } from '../../src/schema/schema.ts';
import { readTrustedDocuments, sha256 } from '../../src/graphql/trusted-documents.ts';

const folder = mkdtempSync(join(tmpdir(), 'agent-graphql-'));
afterAll(() => rmSync(folder, { recursive: true }));

const QUERY = 'query Threads { threads { totalCount } }';
const MUTATION = 'mutation { createThread { thread { id } } }';
const SCHEMA = '{ __schema { queryType { name } } }';

function read(content: string, introspection = true) {
  const path = join(folder, 'persisted-documents.json');
  writeFileSync(path, content);
  return readTrustedDocuments({ path, only: false }, schema, { introspection });
}

/** What stops the start. */
function refusalOf(start: () => unknown): string {
  try {
    start();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new TypeError('It was read.');
}

function list(...texts: readonly string[]): string {
  return JSON.stringify(Object.fromEntries(texts.map((text) => [sha256(text), text])));
}

describe('a file of trusted documents', () => {
  it('should be read with and without the prefix that graphql-codegen writes', () => {
    const content = JSON.stringify({ [sha256(QUERY)]: QUERY, [`sha256:${sha256(MUTATION)}`]: MUTATION });
    const { texts, parsed, only } = read(content);
    expect([...texts]).toEqual([
      [sha256(QUERY), QUERY],
      [sha256(MUTATION), MUTATION],
    ]);
    expect([...parsed.values()].map(({ kind }) => kind)).toEqual(['Document', 'Document']);
    expect(only).toBe(false);
  });

  it('should be allowed to have none', () => {
    expect(read('{}').texts.size).toBe(0);
  });

  it('should hash a text as anybody else does', () => {
    expect(sha256('{ __typename }')).toBe('7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b');
  });

  it.each([
    ['nothing', '', /is none\.$/],
    ['half an object', '{', /is none\.$/],
    ['text', '"x"', /has none\.$/],
    ['null', 'null', /has none\.$/],
    ['a list', `["${QUERY}"]`, /has none\.$/],
    ['an empty key', JSON.stringify({ '': QUERY }), /no SHA-256 in lower-case hex: ""\.$/],
    ['a SHA-1', JSON.stringify({ ['a'.repeat(40)]: QUERY }), /no SHA-256/],
    [
      'a hash in upper case',
      JSON.stringify({ [sha256(QUERY).toUpperCase()]: QUERY }),
      /no SHA-256 in lower-case hex/,
    ],
    ['another prefix', JSON.stringify({ [`md5:${sha256(QUERY)}`]: QUERY }), /no SHA-256/],
    ['a key that is no hash', '{"__proto__":"{ a }"}', /no SHA-256 in lower-case hex: "__proto__"\.$/],
    ['a key of several lines', '{"a\\nb":"{ a }"}', /: "a\\nb"\.$/],
    ['no text', JSON.stringify({ [sha256(QUERY)]: { query: QUERY } }), /no text under [0-9a-f]{64}\.$/],
    [
      'the hash of another text',
      JSON.stringify({ [sha256(MUTATION)]: QUERY }),
      /whose SHA-256 is [0-9a-f]{64}\.$/,
    ],
    ['a syntax error', list('{'), /does not parse, [0-9a-f]{64}: Syntax Error: .+\.$/],
    ['a block string in the wrong place', list('{ """\na\nb\n"""'), /does not parse, [0-9a-f]{64}: .+\.$/],
    ['no operation', list('type A { a: Int }'), /does not fit the schema, [0-9a-f]{64}: .+\.$/],
    [
      'an unknown field',
      list(QUERY, '{ nope }'),
      /does not fit the schema, [0-9a-f]{64}: Cannot query field "nope".+\.$/,
    ],
    ['a long name', list(`{ ${'n'.repeat(5_000)} }`), /does not fit the schema, [0-9a-f]{64}: .{1,200}\.$/],
  ])('should be refused in one line that says why: %s', (_kind, content, why) => {
    const message = refusalOf(() => read(content));
    expect(message).toMatch(/^TRUSTED_DOCUMENTS [^\n\r]+[^.]\.$/);
    expect(message).toMatch(why);
  });

  it('should be refused where it asks for the schema and nobody may', () => {
    expect(read(list(SCHEMA), true).texts.size).toBe(1);
    expect(refusalOf(() => read(list(SCHEMA), false))).toMatch(/introspection/i);
  });

  it.each(['nowhere.json', '.'])('should be refused when it cannot be read: %s', (name) => {
    const file = { path: join(folder, name), only: true };
    expect(refusalOf(() => readTrustedDocuments(file, schema, { introspection: true }))).toMatch(
      /^TRUSTED_DOCUMENTS must name a file that can be read, and ".+" cannot \((ENOENT|EISDIR)\)\.$/,
    );
  });
});
