import { execute, type GraphQLSchema, GraphQLError, parse } from 'graphql';
import { executeOperation } from '../../../src/graphql/execute-operation.ts';
import type { Variables } from '../../../src/graphql/execution/arguments.ts';
import { serializeAny, toBytes } from '../../../src/graphql/execution/serialize.ts';
import { createDocumentPreparer, type PreparedOperation } from '../../../src/graphql/prepared-document.ts';
import type { Context } from '../../../src/schema/context.ts';
import type { ValidRequest } from '../../support/valid-requests.ts';

/** The outcome of an execution, in a form that can be compared. */
export interface Outcome {
  /** The data as `JSON.stringify` has it; undefined where the operation was not executed. */
  readonly data: string | undefined;
  /** The serialized data: JSON with one character for each byte of its UTF-8. */
  readonly serialized: string;
  /** Message, path and locations of each error, as JSON, in order of these texts. */
  readonly errors: readonly string[];
}

/** How often an operation is executed before functions are generated, and used, for all that it reaches. */
const UNTIL_GENERATED = 102;

/** An operation with its variables, coerced. */
export interface Prepared {
  readonly operation: PreparedOperation;
  readonly variables: Variables;
}

/** Prepares the operation of a request as the server does; null where its variables cannot be coerced. */
export function prepare(
  schema: GraphQLSchema,
  { query, variables, operationName }: ValidRequest,
): Prepared | null {
  const operation = createDocumentPreparer(schema, () => {})(parse(query)).select(operationName);
  if (operation === null) throw new TypeError(`There is not one operation in ${query}`);
  try {
    return { operation, variables: operation.coerce(variables) };
  } catch (error) {
    if (error instanceof GraphQLError || error instanceof AggregateError) return null;
    throw error;
  }
}

/** Executes an operation by graphql-js. */
export async function executeByGraphQLJs(
  schema: GraphQLSchema,
  { query, variables, operationName }: ValidRequest,
  contextValue: Context,
  rootValue?: unknown,
): Promise<Outcome> {
  const { data, errors = [] } = await execute({
    schema,
    document: parse(query),
    contextValue,
    rootValue,
    variableValues: variables,
    operationName: operationName ?? null,
  });
  return outcomeOf({ data, errors, serialized: toBytes(JSON.stringify(data) ?? '') });
}

/** An execution with its serialized data. */
export interface Executed {
  readonly data: unknown;
  readonly errors: readonly unknown[];
  readonly serialized: string;
}

/** Executes an operation as the server does, and serializes its data. */
export async function executePrepared(
  schema: GraphQLSchema,
  { operation, variables }: Prepared,
  context: Context,
  root?: unknown,
): Promise<Executed> {
  const execution = await executeOperation(schema, operation, variables, context, root);
  const { data, errors, serialize = serializeAny } = execution;
  const size = { bytes: 0, limit: Number.MAX_SAFE_INTEGER };
  return { data, errors, serialized: data === null ? 'null' : serialize(data, size) };
}

/** Executes an operation until functions have been generated. @returns the first outcome, and the last */
export async function executeUntilGenerated(run: () => Promise<Executed>): Promise<readonly Outcome[]> {
  const first = await run();
  await Promise.all(Array.from({ length: UNTIL_GENERATED - 2 }, run));
  return [first, await run()].map(outcomeOf);
}

/**
 * An outcome with one entry for all errors below the same null: which of them are reported depends on which comes
 * first, https://spec.graphql.org/October2021/#sec-Handling-Field-Errors.
 */
export function mergeErrorsBelowNull(outcome: Outcome): Outcome {
  const data: unknown = JSON.parse(outcome.data ?? 'null');
  const merged = outcome.errors.map((text) => {
    const { path = [] }: { path?: readonly (string | number)[] } = JSON.parse(text);
    const depth = depthOfNull(data, path);
    return depth === path.length ? text : `below ${JSON.stringify(path.slice(0, depth))}`;
  });
  return { ...outcome, errors: [...new Set(merged)].toSorted() };
}

/** How much of a path there is in data until it comes to null. */
function depthOfNull(data: unknown, path: readonly (string | number)[]): number {
  let value = data;
  for (const [index, key] of path.entries()) {
    if (typeof value !== 'object' || value === null) return index;
    value = Reflect.get(value, key);
  }
  return path.length;
}

function outcomeOf({ data, errors, serialized }: Executed): Outcome {
  return { data: JSON.stringify(data), serialized, errors: errors.map(textOf).toSorted() };
}

function textOf(error: unknown): string {
  if (!(error instanceof GraphQLError)) throw new TypeError('Executions have errors of GraphQL alone.');
  const { message, path, locations } = error;
  return JSON.stringify({ message, path, locations });
}
