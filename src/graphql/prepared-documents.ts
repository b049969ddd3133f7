import {
  type DocumentNode,
  type GraphQLSchema,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import type { Variables as Coerced } from './execution/arguments.ts';
import { conditionOf } from './execution/collect-fields.ts';
import { compile, type Compiled } from './execution/compile.ts';
import { type CompileVariables, variableCompiler } from './execution/variables.ts';
import { MAX_IDS } from '../store/rules/filter.ts';
import { MAX_PAGE } from '../store/rules/page.ts';
import { measureDocument } from './limits/document-size.ts';
import type { Variables } from './limits/list-sizes.ts';
import type { Documents } from './document-cache.ts';
import { assertDocument, costOf } from './limits/document-limits.ts';
import { checkVariables } from './limits/input-limits.ts';

/** A valid document with what is made of it, so that nothing about it is worked out twice. */
export interface ReadyDocument {
  /**
   * What the operation that runs could cost.
   * @throws GraphQLError for what the limits refuse
   */
  cost(operationName: string | null | undefined, variables: Variables): number | null;
  /**
   * The operation ready to run; null where graphql-js has something to say about it first.
   * @throws GraphQLError for what the limits refuse
   */
  ready(operation: OperationDefinitionNode, variables: Variables): ReadyOperation | null;
}

/** An operation with its variables. */
export interface ReadyOperation {
  readonly compiled: Compiled;
  readonly variables: Coerced;
}

/** So many costs, and so many programs by what is skipped, are kept with a document: few clients need more than one. */
const MAX_KEPT = 16;

/**
 * Makes what is made of documents; it lives as long as its document.
 * @param documents told what is made of them: they keep them, and bound what they take
 */
export function createReadyDocuments(
  schema: GraphQLSchema,
  documents: Pick<Documents, 'charge'>,
): (document: DocumentNode) => ReadyDocument {
  const known = new WeakMap<DocumentNode, ReadyDocument>();
  const parts = { schema, documents, compileVariables: variableCompiler(schema, MAX_IDS) };
  return (document) => {
    let ready = known.get(document);
    if (ready === undefined) known.set(document, (ready = makeReady(parts, document)));
    return ready;
  };
}

interface Parts {
  readonly schema: GraphQLSchema;
  readonly documents: Pick<Documents, 'charge'>;
  readonly compileVariables: CompileVariables;
}

function makeReady({ schema, documents, compileVariables }: Parts, document: DocumentNode): ReadyDocument {
  const check = checkVariables(schema, document);
  const [only, ...others] = document.definitions.filter(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION,
  );
  // The limits are for the variables of all operations.
  const read = only && others.length === 0 ? compileVariables(only) : null;
  const names = variablesOf(document);
  const conditions = conditionsOf(document);
  const costs = new Map<string, number | null>();
  const programs = new Map<OperationDefinitionNode, Map<string, Compiled | null>>();

  function compiledOf(operation: OperationDefinitionNode, variables: Coerced): Compiled | null {
    let kept = programs.get(operation);
    if (kept === undefined) programs.set(operation, (kept = new Map()));
    const key = conditions.length === 0 ? '' : conditions.map((name) => String(variables[name])).join();
    const known = kept.get(key);
    if (known !== undefined) return known;
    // What is no boolean is an error, for graphql-js to tell.
    const clear = conditions.every(
      (name) => variables[name] === undefined || typeof variables[name] === 'boolean',
    );
    const compiled = clear ? compile(schema, document, operation, variables) : null;
    let size = compiled?.size ?? 0;
    if (kept.size >= MAX_KEPT) {
      for (const old of kept.values()) size -= old?.size ?? 0;
      kept.clear();
    }
    kept.set(key, compiled);
    documents.charge(document, size);
    return compiled;
  }

  /** As graphql-js reads them; null where there is something wrong with them. */
  function readSlowly(operation: OperationDefinitionNode, variables: Variables): Coerced | null {
    check(variables);
    const definitions = operation.variableDefinitions ?? [];
    return getVariableValues(schema, definitions, variables ?? {}, { maxErrors: 1 }).coerced ?? null;
  }

  return {
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
    ready(operation, variables) {
      const coerced = read?.(variables ?? {}) ?? readSlowly(operation, variables);
      if (coerced === null) return null;
      const compiled = compiledOf(operation, coerced);
      return compiled && { compiled, variables: coerced };
    },
  };
}

/** All that the measure of a document reads of the variables: numbers of items, and the lengths of lists. */
function sizesOf(names: readonly string[], variables: Variables): string {
  if (variables == null) return '';
  let sizes = '';
  for (const name of names)
    sizes += ` ${sizeOf(Object.hasOwn(variables, name) ? variables[name] : undefined)}`;
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
  const names = new Set<string>();
  visit(document, {
    Directive(directive) {
      const name = conditionOf(directive);
      if (name !== null) names.add(name);
    },
  });
  return [...names];
}
