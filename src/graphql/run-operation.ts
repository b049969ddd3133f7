import { OperationTypeNode } from 'graphql';
import { apiError } from '../errors.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { recordOperation } from '../observability/request-record.ts';
import { createContext } from '../schema/context.ts';
import { tokenMissing } from '../schema/owner-of.ts';
import type { Caller } from './caller.ts';
import { executeOperation } from './execute-operation.ts';
import type { Variables } from './execution/arguments.ts';
import type { OperationResult } from './operation-result.ts';
import type { RequestParams } from './params.ts';
import { documentText } from './persisted-documents.ts';
import type { PipelineParts } from './pipeline-parts.ts';
import type { PreparedDocument, PreparedOperation } from './prepared-document.ts';
import { RunningOperation } from './running-operation.ts';
import { createSubscribe, type ResultStream } from './subscribe.ts';
import { ClientGone, withTimeout } from './timeout.ts';

/**
 * Runs one operation: the pipeline of every request, whichever transport it arrives by.
 * @returns the result of a query or mutation, the results of a subscription, or a result with what was wrong
 * @throws ClientGone when the client goes away before the result is ready
 */
export type RunOperation = (
  params: RequestParams,
  caller: Caller,
) => MaybePromise<OperationResult | ResultStream>;

/** Creates the pipeline. */
export function createPipeline(parts: PipelineParts): RunOperation {
  const { documents, trustedDocuments, results } = parts;
  const subscribe = createSubscribe(parts);

  function run(params: RequestParams, caller: Caller): MaybePromise<OperationResult | ResultStream> {
    const { record } = caller;
    const text = documentText(trustedDocuments, params);
    const known = documents.find(text);
    const document = known ?? parse(text, caller);
    const operation = document.select(params.operationName);
    if (operation !== null) recordOperation(record, operation.node);
    record.cost = document.cost(params.operationName, params.variables);
    assertAllowed(operation, caller, params);
    if (known === undefined) validate(text, document, caller);
    const variables = operation.coerce(params.variables);
    return isSubscription(operation)
      ? subscribe(operation, variables, caller).catch((error: unknown) => failed(error, caller))
      : execute(operation, variables, caller);
  }

  function parse(text: string, { record }: Caller): PreparedDocument {
    const end = record.trace?.begin('graphql.parse');
    const document = documents.parse(text);
    end?.();
    return document;
  }

  function validate(text: string, document: PreparedDocument, { record }: Caller): void {
    const end = record.trace?.begin('graphql.validate');
    documents.validate(text, document);
    end?.();
  }

  function execute(
    operation: PreparedOperation,
    variables: Variables,
    caller: Caller,
  ): MaybePromise<OperationResult> {
    const { identity, record } = caller;
    const span = record.trace?.beginExecution('graphql.execute', parts.openStores());
    const stores = span?.stores ?? parts.openStores();
    const context = createContext(parts, identity, stores, record.trace?.traceparent);
    const running = new RunningOperation(results, context, caller, span);
    const executed = executeOperation(parts.schema, operation, variables, context);
    return executed instanceof Promise
      ? withTimeout(executed, running, parts.requestTimeout)
      : running.finish(executed);
  }

  function failed(error: unknown, { record }: Caller): OperationResult {
    if (error instanceof ClientGone) throw error;
    return results.failed(error, record.requestId);
  }

  return (params, caller) => {
    try {
      return run(params, caller);
    } catch (error) {
      return failed(error, caller);
    }
  };
}

function isSubscription({ node }: PreparedOperation): boolean {
  return node.operation === OperationTypeNode.SUBSCRIPTION;
}

/**
 * Refuses an operation that this caller may not run, before its document is validated.
 * @throws GraphQLError UNAUTHENTICATED, or BAD_USER_INPUT
 */
function assertAllowed(
  operation: PreparedOperation | null,
  { identity, isReadOnly, accepts }: Caller,
  { operationName }: RequestParams,
): asserts operation is PreparedOperation {
  if (operation === null) {
    const message =
      operationName == null
        ? 'The document must have one operation, or `operationName` must name one of them.'
        : 'The document has no operation with the name in `operationName`.';
    throw apiError('BAD_USER_INPUT', message, { status: 400 });
  }
  if (identity === null && !operation.isIntrospection) throw tokenMissing();
  if (isReadOnly && operation.node.operation === OperationTypeNode.MUTATION) {
    throw apiError('BAD_USER_INPUT', 'Send mutations by POST.', { status: 405, headers: { Allow: 'POST' } });
  }
  const types = isSubscription(operation) ? accepts.stream : (accepts.result ?? accepts.stream);
  if (types === null) {
    const wanted = isSubscription(operation) ? STREAM_TYPES : RESULT_TYPES;
    throw apiError('BAD_USER_INPUT', `The response would be ${wanted}: accept that.`, { status: 406 });
  }
}

const STREAM_TYPES = '`text/event-stream` or `multipart/mixed;subscriptionSpec=1.0`';
const RESULT_TYPES = '`application/json` or `application/graphql-response+json`';
