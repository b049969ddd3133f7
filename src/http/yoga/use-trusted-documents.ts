import type { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { apiError } from '../../errors.ts';
import { isObject } from '../../lib/is-object.ts';
import { bareHash, sha256, type TrustedDocuments } from '../../graphql/trusted-documents.ts';

/**
 * Runs trusted documents by their hash, in the form in which Apollo's clients send it:
 * `extensions: {persistedQuery: {version: 1, sha256Hash}}`. Clients register nothing.
 * @param trusted null where there are none
 */
export function useTrustedDocuments(trusted: TrustedDocuments | null): Plugin {
  if (trusted === null) return { onParams: ({ params }) => void withText(null, params) };
  const { parsed } = trusted;
  const documents = new WeakSet(parsed.values());
  return {
    // A hash is turned into its text, so that whatever comes after this meets a request like any other.
    onParams({ params, setParams }) {
      const query = withText(trusted, params);
      if (typeof query === 'string' && query !== params.query) setParams({ ...params, query });
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

/** What a request asks for, before anybody looked whether it can. */
interface Asking {
  readonly query?: unknown;
  readonly extensions?: unknown;
}

/**
 * The document of a request, where it is a hash by its text. What is no text is yoga's to refuse.
 * @throws GraphQLError for what does not run here
 */
export function withText(trusted: TrustedDocuments | null, params: Asking): unknown {
  const { query } = params;
  if (trusted === null) {
    if (query == null) refuseHashAlone(params);
    return query;
  }
  const hash = hashOf(params);
  if (query == null) {
    if (hash === null) return query;
    const text = trusted.texts.get(hash);
    if (text === undefined) throw unknownHash('PersistedQueryNotFound');
    return text;
  }
  if (typeof query !== 'string') return query;
  if (hash !== null && hash !== sha256(query)) throw badRequest(OTHER_TEXT);
  if (trusted.only && !trusted.parsed.has(query)) throw badRequest(UNTRUSTED);
  return query;
}

/** Without this a client would not try again with the text. It does not send hashes from then on. */
function refuseHashAlone(params: Asking): void {
  if (persistedQueryOf(params) != null) throw unknownHash('PersistedQueryNotSupported');
}

/** The hash that a request has, without prefix; null when it has none. */
function hashOf(params: Asking): string | null {
  const persisted = persistedQueryOf(params);
  if (persisted == null) return null;
  if (isObject(persisted) && persisted['version'] === 1 && typeof persisted['sha256Hash'] === 'string') {
    return bareHash(persisted['sha256Hash']);
  }
  throw badRequest(MALFORMED);
}

function persistedQueryOf({ extensions }: Asking): unknown {
  return isObject(extensions) ? extensions['persistedQuery'] : null;
}

function badRequest(message: string): GraphQLError {
  return apiError('BAD_USER_INPUT', message, { status: 400 });
}

/** Clients know these two messages, whatever the code. No cache may keep what the next start changes. */
function unknownHash(message: 'PersistedQueryNotFound' | 'PersistedQueryNotSupported'): GraphQLError {
  const headers = { 'Cache-Control': 'no-store' };
  return apiError('BAD_USER_INPUT', message, { status: 400, spec: true, headers });
}
