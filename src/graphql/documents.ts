import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { DOCUMENT_CACHE_BYTES, MAX_ERRORS, MAX_TOKENS } from '../limits.ts';
import { assertBytes, tooManyTokens } from './limits/document-limits.ts';
import { checkLiterals } from './limits/input-limits.ts';
import { mergeRules } from './merge-rules.ts';
import { createDocumentPreparer, type PreparedDocument } from './prepared-document.ts';
import type { TrustedDocuments } from './trusted-documents.ts';

/**
 * The documents of a server: those that are sent again are parsed, validated and compiled once more, and then known as
 * long as there is room for them.
 */
export interface Documents {
  /** A document that is known to be valid; undefined for all others. */
  find(text: string): PreparedDocument | undefined;
  /**
   * Parses a document.
   * @throws GraphQLError LIMIT_EXCEEDED, GRAPHQL_PARSE_FAILED or BAD_USER_INPUT
   */
  parse(text: string): PreparedDocument;
  /**
   * Validates a document, and keeps it where it is valid and was validated before.
   * @throws AggregateError with the validation errors, `MAX_ERRORS` at most
   */
  validate(text: string, document: PreparedDocument): void;
}

/** Options of `createDocuments`. */
export interface DocumentsOptions {
  readonly schema: GraphQLSchema;
  /** Whether documents may ask for `__schema` and `__type`. */
  readonly introspection: boolean;
  /** Valid from the start, and never forgotten; null where there are none. */
  readonly trusted: TrustedDocuments | null;
  /** Memory for all documents: beyond, the least recently used are forgotten. Default: `DOCUMENT_CACHE_BYTES`. */
  readonly bytes?: number;
}

/** Creates the documents of a server. */
export function createDocuments(options: DocumentsOptions): Documents {
  const { schema, introspection, trusted, bytes = DOCUMENT_CACHE_BYTES } = options;
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  const merged = [mergeRules(rules)];
  const cache = new LRUCache<string, PreparedDocument>({
    maxSize: bytes,
    sizeCalculation: ({ document, compiledBytes }, text) =>
      BYTES_OF_ENTRY +
      BYTES_PER_CHARACTER * text.length +
      BYTES_PER_TOKEN * (document.tokenCount ?? 0) +
      compiledBytes(),
  });
  // Many clients write values into their documents, so that none is sent twice. Of these only the texts are kept: they
  // displace nothing, and V8 collects the rest at little cost while it is young.
  const candidates = new LRUCache<string, true>({
    maxSize: CANDIDATE_BYTES,
    sizeCalculation: (_, text) => BYTES_OF_CANDIDATE + BYTES_PER_CHARACTER * text.length,
  });
  const prepare = createDocumentPreparer(schema, (prepared) => {
    const text = prepared.document.loc?.source.body;
    // Added anew, since its size is computed only then.
    if (text !== undefined && cache.delete(text)) cache.set(text, prepared);
  });
  const preparedTrusted = new Map<string, PreparedDocument>();

  return {
    find(text) {
      const document = trusted?.parsed.get(text);
      if (document === undefined) return cache.get(text);
      const known = preparedTrusted.get(text) ?? prepare(document);
      preparedTrusted.set(text, known);
      return known;
    },
    parse(text) {
      assertBytes(text);
      const document = parseDocument(text);
      checkLiterals(schema, document);
      return prepare(document);
    },
    validate(text, prepared) {
      const errors = validate(schema, prepared.document, merged, { maxErrors: MAX_ERRORS });
      if (errors.length > 0) throw new AggregateError(errors.slice(0, MAX_ERRORS).map(invalid));
      if (candidates.delete(text)) cache.set(text, prepared);
      else candidates.set(text, true);
    },
  };
}

function parseDocument(text: string): DocumentNode {
  try {
    return parse(text, { maxTokens: MAX_TOKENS });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    throw tooManyTokens(error) ?? withStatus(error, 'GRAPHQL_PARSE_FAILED');
  }
}

function invalid(error: GraphQLError): GraphQLError {
  return withStatus(error, 'GRAPHQL_VALIDATION_FAILED');
}

/** https://graphql.github.io/graphql-over-http/draft/#sec-application-json: 200 for `application/json`. */
function withStatus(error: GraphQLError, code: string): GraphQLError {
  const { message, source, positions } = error;
  const extensions = { code, http: { status: 400, spec: true } };
  return new GraphQLError(message, { source, positions, extensions });
}

/** Heap of a token and its nodes. Measured over many kinds of documents: 200 to 500. */
const BYTES_PER_TOKEN = 500;
/** A text with one character beyond Latin-1 takes two bytes for each. */
const BYTES_PER_CHARACTER = 2;
/** The entry itself, what is computed of each document, and the tokens at its start and end. */
const BYTES_OF_ENTRY = 3_000;
/** Memory for the texts of documents that were sent once. */
const CANDIDATE_BYTES = 1_048_576;
/** The entry of such a text. */
const BYTES_OF_CANDIDATE = 200;
