import type { GraphQLError } from 'graphql';
import { apiError } from '../errors.ts';
import { isObject } from '../lib/is-object.ts';
import type { RequestParams } from './params.ts';
import { bareHash, sha256, type TrustedDocuments } from './trusted-documents.ts';

/**
 * The text of the document that a request asks for. Trusted documents can be sent as a hash, as Apollo's clients do:
 * `extensions: {persistedQuery: {version: 1, sha256Hash}}`. Clients register nothing.
 * @param trusted null where the server has none
 * @throws GraphQLError BAD_USER_INPUT for an unknown hash, and for a document that does not run here
 */
export function documentText(trusted: TrustedDocuments | null, params: RequestParams): string {
  const { query } = params;
  if (trusted === null) {
    if (query != null) return query;
    // Without this message a client would send hashes for ever. With it, it sends texts from then on.
    if (persistedQueryOf(params) != null) throw unknownHash('PersistedQueryNotSupported');
    throw badRequest(NO_QUERY);
  }
  const hash = hashOf(params);
  if (query == null) {
    if (hash === null) throw badRequest(NO_QUERY);
    const text = trusted.texts.get(hash);
    if (text === undefined) throw unknownHash('PersistedQueryNotFound');
    return text;
  }
  if (hash !== null && hash !== sha256(query)) throw badRequest(OTHER_TEXT);
  if (trusted.only && !trusted.parsed.has(query)) throw badRequest(UNTRUSTED);
  return query;
}

const NO_QUERY = 'The request has no document: send it in `query`.';
const MALFORMED = '`extensions.persistedQuery` must be {"version": 1, "sha256Hash": "…"}.';
const OTHER_TEXT = '`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`.';
const UNTRUSTED = 'Only trusted documents run here: send the hash of one.';

/** The hash of a request without its prefix; null when it has none. */
function hashOf(params: RequestParams): string | null {
  const persisted = persistedQueryOf(params);
  if (persisted == null) return null;
  if (isObject(persisted) && persisted['version'] === 1 && typeof persisted['sha256Hash'] === 'string') {
    return bareHash(persisted['sha256Hash']);
  }
  throw badRequest(MALFORMED);
}

function persistedQueryOf({ extensions }: RequestParams): unknown {
  return extensions == null ? null : extensions['persistedQuery'];
}

function badRequest(message: string): GraphQLError {
  return apiError('BAD_USER_INPUT', message, { status: 400 });
}

/** Clients know these two messages, whatever the code. No cache may keep what the next start changes. */
function unknownHash(message: 'PersistedQueryNotFound' | 'PersistedQueryNotSupported'): GraphQLError {
  const headers = { 'Cache-Control': 'no-store' };
  return apiError('BAD_USER_INPUT', message, { status: 400, spec: true, headers });
}
