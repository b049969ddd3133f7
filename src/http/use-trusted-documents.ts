import type { GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import { apiError } from '../api-error.ts';
import { bareHash, sha256, type TrustedDocuments } from '../trusted-documents.ts';

/**
 * Runs trusted documents by their hash, in the form in which Apollo's clients send it:
 * `extensions: {persistedQuery: {version: 1, sha256Hash}}`. Clients register nothing.
 * @param trusted null where there are none
 */
export function useTrustedDocuments(trusted: TrustedDocuments | null): Plugin {
  if (trusted === null) return { onParams: refuseHashAlone };
  const { texts, parsed, only } = trusted;
  const documents = new WeakSet(parsed.values());
  return {
    // A hash is turned into its text, so that whatever comes after this meets a request like any other.
    onParams({ params, setParams }) {
      const hash = hashOf(params);
      if (params.query == null) {
        if (hash === null) return;
        const query = texts.get(hash);
        if (query === undefined) throw unknownHash('PersistedQueryNotFound');
        return setParams({ ...params, query });
      }
      // What is no text is yoga's to refuse.
      if (typeof params.query !== 'string') return;
      if (hash !== null && hash !== sha256(params.query)) throw badRequest(OTHER_TEXT);
      if (only && !parsed.has(params.query)) throw badRequest(UNTRUSTED);
    },
    onParse({ params: { source }, setParsedDocument }) {
      const document = parsed.get(typeof source === 'string' ? source : source.body);
      if (document !== undefined) setParsedDocument(document);
    },
    onValidate({ params, setResult }) {
      if (documents.has(params.documentAST)) setResult([]);
    },
  };
}

const MALFORMED = '`extensions.persistedQuery` must be {"version": 1, "sha256Hash": "…"}.';
const OTHER_TEXT = '`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`.';
const UNTRUSTED = 'Only trusted documents run here: send the hash of one.';

/** Without this a client would not try again with the text. It does not send hashes from then on. */
function refuseHashAlone({ params }: { readonly params: GraphQLParams }): void {
  if (params.query == null && persistedQueryOf(params) != null)
    throw unknownHash('PersistedQueryNotSupported');
}

/** The hash that a request has, without prefix; null when it has none. */
function hashOf(params: GraphQLParams): string | null {
  const persisted = persistedQueryOf(params);
  if (persisted == null) return null;
  if (isObject(persisted) && persisted['version'] === 1 && typeof persisted['sha256Hash'] === 'string') {
    return bareHash(persisted['sha256Hash']);
  }
  throw badRequest(MALFORMED);
}

function persistedQueryOf(params: GraphQLParams): unknown {
  const extensions: unknown = params.extensions;
  return isObject(extensions) ? extensions['persistedQuery'] : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function badRequest(message: string): GraphQLError {
  return apiError('BAD_USER_INPUT', message, { status: 400 });
}

/** Clients know these two messages, whatever the code. No cache may keep what the next start changes. */
function unknownHash(message: 'PersistedQueryNotFound' | 'PersistedQueryNotSupported'): GraphQLError {
  const headers = { 'Cache-Control': 'no-store' };
  return apiError('BAD_USER_INPUT', message, { status: 400, spec: true, headers });
}
