import { parse } from 'graphql';
import { sha256, type TrustedDocuments } from '../../src/graphql/trusted-documents.ts';

/** Trusted documents as the server has them after it read them from a file. */
export function trust(
  documents: readonly string[],
  { only = false }: { readonly only?: boolean } = {},
): TrustedDocuments {
  return {
    texts: new Map(documents.map((text) => [sha256(text), text])),
    parsed: new Map(documents.map((text) => [text, parse(text)])),
    only,
  };
}
