import { execute, type ExecutionResult, type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Context } from '../schema/context.ts';
import type { Variables } from './execution/arguments.ts';
import type { ExecutionContext } from './execution/execution-context.ts';
import type { Execution } from './operation-result.ts';
import type { PreparedOperation } from './prepared-document.ts';

/** What is executed of an operation. */
export type ExecutableOperation = Pick<PreparedOperation, 'node' | 'document' | 'compiled'>;

/**
 * Executes an operation: compiled, or by graphql-js where it cannot be compiled.
 * @param root the root value: the event of a subscription
 */
export function executeOperation(
  schema: GraphQLSchema,
  operation: ExecutableOperation,
  variables: Variables,
  context: Context,
  root?: unknown,
): MaybePromise<Execution> {
  const isMutation = operation.node.operation === OperationTypeNode.MUTATION;
  const compiled = operation.compiled(variables);
  if (compiled === null) {
    const result = executeByGraphQLJs(schema, operation, variables, context, root);
    return result instanceof Promise
      ? result.then((done) => toExecution(done, isMutation))
      : toExecution(result, isMutation);
  }
  const { program, serialize } = compiled;
  const execution: ExecutionContext = { context, variables, args: null, errors: [] };
  const { errors } = execution;
  const failed = (error: unknown): Execution => ({ data: null, errors: [...errors, error], isMutation });
  try {
    const data = program(execution, root);
    if (!(data instanceof Promise)) return { data, errors, serialize, isMutation };
    return data.then((done: unknown) => ({ data: done, errors, serialize, isMutation }), failed);
  } catch (error) {
    return failed(error);
  }
}

function executeByGraphQLJs(
  schema: GraphQLSchema,
  { document, node }: ExecutableOperation,
  variables: Variables,
  contextValue: Context,
  rootValue: unknown,
): MaybePromise<ExecutionResult> {
  return execute({
    schema,
    document,
    contextValue,
    rootValue,
    operationName: node.name?.value ?? null,
    variableValues: variables,
  });
}

function toExecution({ data = null, errors = [] }: ExecutionResult, isMutation: boolean): Execution {
  return { data, errors, isMutation };
}
