import { type GraphQLSchema, Kind } from 'graphql';
import type { Identity } from '../auth/identity.ts';
import { SHARED_EVENTS } from '../lib/field-extensions.ts';
import { tokenMissing } from '../schema/owner-of.ts';
import type { AsyncQueue } from '../subscriptions/async-queue.ts';
import type { Caller } from './caller.ts';
import { type EventSource, openEventSource } from './event-source.ts';
import type { Variables } from './execution/arguments.ts';
import { LatestResult } from './latest-result.ts';
import type { OperationResult } from './operation-result.ts';
import type { PreparedOperation } from './prepared-document.ts';
import type { PipelineParts } from './pipeline-parts.ts';
import { withTimeout, type Work } from './timeout.ts';

/**
 * The results of a subscription, until it ends. They fail with `StreamInterrupted` when the connection is to be cut
 * without completing the stream.
 */
export type ResultStream = AsyncQueue<OperationResult>;

/** Starts a subscription. @throws GraphQLError where it cannot be started */
export type Subscribe = (
  operation: PreparedOperation,
  variables: Variables,
  caller: Caller,
) => Promise<ResultStream>;

/**
 * Creates the last step of the pipeline for subscriptions. Subscribers with the same owner and variables,
 * and operations that differ only in name and aliases, share one source.
 */
export function createSubscribe(parts: Omit<PipelineParts, 'documents' | 'trustedDocuments'>): Subscribe {
  const { schema, results, subscribers: registry, requestTimeout } = parts;
  const sources = new Map<string, EventSource>();
  const latest = new LatestResult();

  return async (operation, variables, caller) => {
    const { identity, record } = caller;
    if (identity === null) throw tokenMissing();
    const toResult = (error: Error): OperationResult => results.failed(error, record.requestId);
    const endSpan = record.trace?.begin('graphql.subscribe');
    let leave: (() => void) | null = null;
    const subscriber = registry.open(identity, toResult, () => leave?.());
    const source = sourceOf(operation, variables, identity, record.requestId);
    leave = source.add(subscriber, operation, record.requestId);
    // The server is closing.
    if (!subscriber.results.isOpen) leave();
    const opening: Work<void, ResultStream> = {
      caller,
      finish: () => subscriber.results,
      fail(error) {
        throw error;
      },
      stop() {},
    };
    try {
      return await withTimeout(source.opened, opening, requestTimeout);
    } catch (error) {
      void subscriber.results.return();
      throw error;
    } finally {
      endSpan?.();
    }
  };

  function sourceOf(
    operation: PreparedOperation,
    variables: Variables,
    identity: Identity,
    requestId: string,
  ): EventSource {
    const options = { operation, variables, identity, requestId, latest };
    if (!isShared(schema, operation)) {
      return openEventSource(parts, { ...options, isShared: false, onClosed: () => {} });
    }
    const key = JSON.stringify([identity.owner, operation.numbered().text, variables]);
    const known = sources.get(key);
    if (known !== undefined && !known.isExecuting()) return known;
    const onClosed = (): void => {
      if (sources.get(key) === source) sources.delete(key);
    };
    const source = openEventSource(parts, { ...options, isShared: true, onClosed });
    sources.set(key, source);
    return source;
  }
}

/** Whether the events of a subscription are the same for all subscribers. Valid operations have one root field. */
function isShared(schema: GraphQLSchema, { node }: PreparedOperation): boolean {
  const fields = schema.getSubscriptionType()?.getFields() ?? {};
  const [selection, ...others] = node.selectionSet.selections;
  if (selection?.kind !== Kind.FIELD || others.length > 0) return false;
  return fields[selection.name.value]?.extensions[SHARED_EVENTS] === true;
}
