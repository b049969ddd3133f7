import {
  type DocumentNode,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import { MAX_ERRORS } from '../limits.ts';
import { MAX_IDS } from '../store/rules/filter.ts';
import { MAX_PAGE } from '../store/rules/page.ts';
import type { Variables } from './execution/arguments.ts';
import { conditionOf } from './execution/collect-fields.ts';
import { compile, type Compiled } from './execution/compile.ts';
import { type CompileVariables, variableCompiler } from './execution/variables.ts';
import { isIntrospection } from './introspection.ts';
import { assertDocument, costOf } from './limits/document-limits.ts';
import { measureDocument } from './limits/document-size.ts';
import { checkVariables } from './limits/input-limits.ts';
import type { Variables as RawVariables } from './limits/list-sizes.ts';
import { type NumberedKeys, numberKeys } from './numbered-keys.ts';

/** A parsed document with all that is computed from it once. */
export interface PreparedDocument {
  readonly document: DocumentNode;
  /** Estimated memory of what was compiled from it, in bytes. */
  compiledBytes(): number;
  /** The operation that a request asks for; null where the name leaves open which one that is. */
  select(operationName: string | null | undefined): PreparedOperation | null;
  /**
   * The number of objects that the operation could return; null where the name leaves open which one that is.
   * @throws GraphQLError LIMIT_EXCEEDED for a document that is too large
   */
  cost(operationName: string | null | undefined, variables: RawVariables): number | null;
}

/** An operation of a prepared document. */
export interface PreparedOperation {
  readonly node: OperationDefinitionNode;
  readonly document: DocumentNode;
  /** Whether it selects nothing but `__schema`, `__type` and `__typename`. */
  readonly isIntrospection: boolean;
  /** Coerces variables. @throws GraphQLError BAD_USER_INPUT, or an AggregateError of several */
  coerce(variables: RawVariables): Variables;
  /** The compiled operation; null where graphql-js has to execute it. */
  compiled(variables: Variables): Compiled | null;
  /** The operation with numbers as response keys, for subscribers whose documents differ only in name and aliases. */
  numbered(): NumberedOperation;
}

/** An operation with numbers as response keys. */
export interface NumberedOperation extends NumberedKeys, Pick<PreparedOperation, 'compiled'> {}

/** How many costs of a document, and compiled variants of an operation, are kept: few clients need more than one. */
const MAX_KEPT = 16;

/** Heap of a field with a number as its response key. */
const BYTES_PER_KEY = 500;

/** Creates the function that prepares documents. @param onCompiled called when a document takes more or less memory */
export function createDocumentPreparer(
  schema: GraphQLSchema,
  onCompiled: (document: PreparedDocument) => void,
): (document: DocumentNode) => PreparedDocument {
  const compileVariables = variableCompiler(schema, MAX_IDS);
  return (document) => prepareDocument(schema, document, compileVariables, onCompiled);
}

function prepareDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
  compileVariables: CompileVariables,
  onCompiled: (document: PreparedDocument) => void,
): PreparedDocument {
  const names = variablesOf(document);
  const costs = new Map<string, number | null>();
  const operations = new Map<OperationDefinitionNode, PreparedOperation>();
  let check: ReturnType<typeof checkVariables> | null = null;
  let compiledBytes = 0;

  function addBytes(bytes: number): void {
    compiledBytes += bytes;
    onCompiled(prepared);
  }

  function prepareOperation(node: OperationDefinitionNode): PreparedOperation {
    const coerceFast = compileVariables(node);
    let numbered: NumberedOperation | null = null;
    function numberOperation(): NumberedOperation {
      const made = numberKeys(document, node);
      addBytes(BYTES_PER_KEY * made.keys.length + made.text.length);
      return { ...made, compiled: compiler(schema, made.document, made.node, addBytes) };
    }
    return {
      node,
      document,
      isIntrospection: isIntrospection(document, node),
      coerce(variables) {
        const coerced = coerceFast(variables ?? {});
        if (coerced !== null) return coerced;
        check ??= checkVariables(schema, document);
        check(variables);
        return coerceSlowly(schema, node, variables);
      },
      compiled: compiler(schema, document, node, addBytes),
      numbered: () => (numbered ??= numberOperation()),
    };
  }

  const prepared: PreparedDocument = {
    document,
    compiledBytes: () => compiledBytes,
    select(operationName) {
      const node = getOperationAST(document, operationName);
      if (node == null) return null;
      const known = operations.get(node) ?? prepareOperation(node);
      operations.set(node, known);
      return known;
    },
    cost(operationName, variables) {
      const key = `${operationName ?? ''}${sizesOf(names, variables)}`;
      const known = costs.get(key);
      if (known !== undefined) return known;
      const size = measureDocument(schema, document, variables);
      assertDocument(size);
      const cost = costOf(size, operationName);
      if (costs.size >= MAX_KEPT) costs.clear();
      costs.set(key, cost);
      return cost;
    },
  };
  return prepared;
}

/** Compiles an operation once for each combination of what its `@skip` and `@include` skip. */
function compiler(
  schema: GraphQLSchema,
  document: DocumentNode,
  node: OperationDefinitionNode,
  addBytes: (bytes: number) => void,
): PreparedOperation['compiled'] {
  const conditions = conditionsOf(document);
  const variants = new Map<string, Compiled | null>();
  return (variables) => {
    const key = conditions.length === 0 ? '' : conditions.map((name) => String(variables[name])).join();
    const known = variants.get(key);
    if (known !== undefined) return known;
    // Anything but a boolean is an error, which graphql-js reports.
    const isValid = conditions.every(
      (name) => variables[name] === undefined || typeof variables[name] === 'boolean',
    );
    const compiled = isValid ? compile(schema, document, node, variables) : null;
    let bytes = compiled?.size ?? 0;
    if (variants.size >= MAX_KEPT) {
      for (const old of variants.values()) bytes -= old?.size ?? 0;
      variants.clear();
    }
    variants.set(key, compiled);
    addBytes(bytes);
    return compiled;
  };
}

function coerceSlowly(
  schema: GraphQLSchema,
  node: OperationDefinitionNode,
  variables: RawVariables,
): Variables {
  const definitions = node.variableDefinitions ?? [];
  const { coerced, errors } = getVariableValues(schema, definitions, variables ?? {}, {
    maxErrors: MAX_ERRORS,
  });
  if (coerced !== undefined) return coerced;
  throw new AggregateError(errors.slice(0, MAX_ERRORS).map(badVariable));
}

function badVariable({ message, nodes }: GraphQLError): GraphQLError {
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } },
  });
}

/** All of the variables that a cost depends on: the numbers of items, and the lengths of lists. */
function sizesOf(names: readonly string[], variables: RawVariables): string {
  if (variables == null) return '';
  let sizes = '';
  for (const name of names) {
    sizes += ` ${sizeOf(Object.hasOwn(variables, name) ? variables[name] : undefined)}`;
  }
  return sizes;
}

function sizeOf(value: unknown): string {
  if (value === undefined) return '';
  if (value === null) return 'n';
  if (typeof value === 'number') return value >= 0 && value <= MAX_PAGE ? String(value) : 'x';
  return Array.isArray(value) ? `[${value.length}` : 'x';
}

function variablesOf({ definitions }: DocumentNode): readonly string[] {
  const names = new Set<string>();
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const { variable } of definition.variableDefinitions ?? []) names.add(variable.name.value);
  }
  return [...names];
}

function conditionsOf(document: DocumentNode): readonly string[] {
  // Most documents have no directives.
  if (document.loc?.source.body.includes('@') === false) return [];
  const names = new Set<string>();
  visit(document, {
    Directive(directive) {
      const name = conditionOf(directive);
      if (name !== null) names.add(name);
    },
  });
  return [...names];
}
