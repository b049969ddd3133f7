import type { DocumentNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import { DOCUMENT_CACHE_BYTES } from '../limits.ts';

/** Documents that are valid, by their texts. */
export interface Documents {
  get(text: string): DocumentNode | undefined;
  add(text: string, document: DocumentNode): void;
  /** Counts what was compiled of a document, for as long as it is kept. @param size in bytes, fewer than 0 for what is forgotten */
  charge(document: DocumentNode, size: number): void;
}

/**
 * Remembers documents, and with each what is compiled of it.
 * @param bytes of memory for all of them; the least recently used are forgotten first
 */
export function createDocuments(bytes = DOCUMENT_CACHE_BYTES): Documents {
  const compiled = new WeakMap<DocumentNode, number>();
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: bytes,
    sizeCalculation: (document, text) =>
      BYTES_OF_ENTRY +
      BYTES_PER_CHARACTER * text.length +
      BYTES_PER_TOKEN * tokensOf(document) +
      (compiled.get(document) ?? 0),
  });
  return {
    get: (text) => documents.get(text),
    add: (text, document) => void documents.set(text, document),
    charge(document, size) {
      compiled.set(document, (compiled.get(document) ?? 0) + size);
      const text = document.loc?.source.body;
      // Added anew, since a size is worked out only then. What is too large by itself is forgotten.
      if (text !== undefined && documents.delete(text)) documents.set(text, document);
    },
  };
}

/**
 * Parses and validates each document once. Only those that are valid, and that were sent by someone who may run them,
 * are kept: yoga's own cache keeps the others too, each with up to a hundred errors.
 */
export function useDocumentCache(documents: Documents): Plugin {
  const valid = new WeakSet<DocumentNode>();
  return {
    onParse({ params: { source }, setParsedDocument }) {
      const known = documents.get(typeof source === 'string' ? source : source.body);
      if (known !== undefined) setParsedDocument(known);
    },
    onValidate({ params: { documentAST }, setResult }) {
      if (valid.has(documentAST)) return setResult([]);
      return (validated) => {
        const text = documentAST.loc?.source.body;
        if (!validated.valid || text === undefined) return;
        valid.add(documentAST);
        documents.add(text, documentAST);
      };
    },
  };
}

/** Heap of a token with the nodes that it makes, as measured over many kinds of documents: 200 to 500. */
const BYTES_PER_TOKEN = 500;
/** A text with one character beyond Latin-1 takes two bytes for each. */
const BYTES_PER_CHARACTER = 2;
/** The entry itself, and what is remembered of a document besides. */
const BYTES_OF_ENTRY = 2_000;

function tokensOf(document: DocumentNode): number {
  let count = 0;
  for (let token = document.loc?.startToken; token != null; token = token.next ?? undefined) count++;
  return count;
}
