import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type DocumentNode,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { ConfigError } from '../lib/config-error.ts';
import { isObject } from '../lib/is-object.ts';

/** Documents that clients were built with. They were checked at the start, and run without being checked again. */
export interface TrustedDocuments {
  /** The texts, by their SHA-256 in lower-case hex. */
  readonly texts: ReadonlyMap<string, string>;
  /** The same documents parsed, by their texts. */
  readonly parsed: ReadonlyMap<string, DocumentNode>;
  /** Whether nothing else runs. */
  readonly only: boolean;
}

/**
 * Reads the file that graphql-codegen writes as persisted-documents.json: a JSON object of texts by their hashes.
 * @param options.introspection whether a document may ask for `__schema` and `__type`
 * @throws ConfigError about the first document that would not run as it is
 */
export function readTrustedDocuments(
  { path, only }: { readonly path: string; readonly only: boolean },
  schema: GraphQLSchema,
  { introspection }: { readonly introspection: boolean },
): TrustedDocuments {
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  const texts = new Map<string, string>();
  const parsed = new Map<string, DocumentNode>();
  for (const [key, text] of entriesOf(path)) {
    const hash = bareHash(key);
    if (!SHA256.test(hash)) throw refusal(`a key that is no SHA-256 in lower-case hex: ${quoted(key)}`);
    if (typeof text !== 'string') throw refusal(`no text under ${hash}`);
    if (sha256(text) !== hash) throw refusal(`a text under ${hash} whose SHA-256 is ${sha256(text)}`);
    texts.set(hash, text);
    parsed.set(
      text,
      valid(hash, text, (document) => validate(schema, document, rules)),
    );
  }
  return { texts, parsed, only };
}

/** The SHA-256 of a text's UTF-8, in lower-case hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * A hash without the `sha256:` that graphql-codegen writes before it, as a document identifier of GraphQL over HTTP:
 * https://github.com/graphql/graphql-over-http/blob/main/spec/Appendix%20A%20--%20Persisted%20Documents.md
 */
export function bareHash(hash: string): string {
  return hash.startsWith(PREFIX) ? hash.slice(PREFIX.length) : hash;
}

const PREFIX = 'sha256:';
const SHA256 = /^[0-9a-f]{64}$/;

/** How much of a message is shown, in characters: it quotes the document, which may have any length. */
const MAX_SHOWN = 200;

function entriesOf(path: string): [key: string, text: unknown][] {
  const value = jsonOf(path);
  if (!isObject(value)) {
    throw new ConfigError(
      `TRUSTED_DOCUMENTS must name a file with a JSON object of documents, and ${quoted(path)} has none.`,
    );
  }
  return Object.entries(value);
}

function jsonOf(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new ConfigError(
      `TRUSTED_DOCUMENTS must name a file that can be read, and ${quoted(path)} cannot${code}.`,
    );
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError(`TRUSTED_DOCUMENTS must name a file of JSON, and ${quoted(path)} is none.`);
  }
}

function valid(
  hash: string,
  text: string,
  check: (document: DocumentNode) => readonly Error[],
): DocumentNode {
  let document: DocumentNode;
  try {
    document = parse(text);
  } catch (error) {
    throw refusal(`a document that does not parse, ${hash}: ${shown(error)}`);
  }
  const [error] = check(document);
  if (error !== undefined) throw refusal(`a document that does not fit the schema, ${hash}: ${shown(error)}`);
  return document;
}

function refusal(what: string): ConfigError {
  return new ConfigError(`TRUSTED_DOCUMENTS has ${what.replace(/\.$/, '')}.`);
}

/** An error's message in one line: it may quote a block string. */
function shown(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(0, MAX_SHOWN).toWellFormed().replaceAll(/\s+/g, ' ');
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN));
}
