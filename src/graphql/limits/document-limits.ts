import type { GraphQLError } from 'graphql';
import { apiError } from '../../errors.ts';
import {
  MAX_ALIASES,
  MAX_COST,
  MAX_DEPTH,
  MAX_DIRECTIVES,
  MAX_DOCUMENT_BYTES,
  MAX_OF_TYPES,
  MAX_ROOT_FIELDS,
  MAX_SELECTIONS,
  MAX_TOKENS,
  MAX_TYPE_LISTS,
} from '../../limits.ts';
import type { DocumentSize, OperationSize } from './document-size.ts';

/** The cost of the operation that runs; null when the document leaves open which that is. */
export function costOf(
  { operations }: DocumentSize,
  operationName: string | null | undefined,
): number | null {
  const runs =
    operations.length === 1 ? operations[0] : operations.find(({ name }) => name === operationName);
  return runs?.cost ?? null;
}

/** Refuses a document that is too large, whichever of its operations runs. */
export function assertDocument({ operations, selections }: DocumentSize): void {
  assertAtMost(
    MAX_SELECTIONS,
    selections,
    'document',
    'fields and fragments, each counted where it is spread',
  );
  assertTotals(operations);
  for (const operation of operations) assertSize(operation);
}

/** Refuses a text that is too long to be parsed. */
export function assertBytes(source: string): void {
  const bytes = Buffer.byteLength(source);
  if (bytes > MAX_DOCUMENT_BYTES) {
    throw exceeded(
      `The document has ${shown(bytes)} bytes: at most ${shown(MAX_DOCUMENT_BYTES)} are accepted.`,
    );
  }
}

/** The refusal of a document with too many tokens, which the parser counts; null for other syntax errors. */
export function tooManyTokens({ message }: GraphQLError): GraphQLError | null {
  if (!TOO_MANY_TOKENS.test(message)) return null;
  return exceeded(`The document has too many tokens: at most ${shown(MAX_TOKENS)} are accepted.`);
}

/** graphql-js gives no code. What it quotes of a document is never at the beginning of a message. */
const TOO_MANY_TOKENS = /^Syntax Error: Document contains more tha[nt] \d+ tokens/;

/** What a document may have in all its operations together. */
function assertTotals(operations: readonly OperationSize[]): void {
  const total = (count: 'aliases' | 'rootFields' | 'directives'): number =>
    operations.reduce((sum, operation) => sum + operation[count], 0);
  assertAtMost(MAX_ALIASES, total('aliases'), 'document', 'aliases');
  assertAtMost(MAX_ROOT_FIELDS, total('rootFields'), 'document', 'fields at its root');
  assertAtMost(MAX_DIRECTIVES, total('directives'), 'document', 'directives');
}

/** What each operation may have: only one of them runs. */
function assertSize(size: OperationSize): void {
  assertAtMost(MAX_DEPTH, size.depth, 'operation', 'fields within each other');
  assertAtMost(MAX_OF_TYPES, size.ofTypes, 'operation', '`ofType` within each other');
  assertAtMost(
    MAX_TYPE_LISTS,
    size.typeLists,
    'operation',
    '`fields`, `inputFields`, `interfaces` or `possibleTypes` within each other',
  );
  if (size.cost > MAX_COST) {
    throw exceeded(
      `The request could return ${shown(size.cost)} objects: at most ${shown(MAX_COST)} are accepted. ` +
        'Ask for smaller pages.',
    );
  }
}

function assertAtMost(limit: number, count: number, whose: string, what: string): void {
  if (count <= limit) return;
  throw exceeded(`The ${whose} has ${shown(count)} ${what}: at most ${shown(limit)} are accepted.`);
}

function shown(count: number): string {
  return count.toLocaleString('en');
}

function exceeded(message: string): GraphQLError {
  return apiError('LIMIT_EXCEEDED', message, { status: 400 });
}
