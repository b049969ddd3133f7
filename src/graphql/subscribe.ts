import { createSourceEventStream, type GraphQLSchema, Kind } from 'graphql';
import type { Identity } from '../auth/identity.ts';
import { SHARED_EVENTS } from '../lib/field-extensions.ts';
import { MAX_BYTES_BEHIND } from '../limits.ts';
import { type Context, createContext } from '../schema/context.ts';
import { tokenMissing } from '../schema/owner-of.ts';
import type { AsyncQueue } from '../subscriptions/async-queue.ts';
import type { Subscriber } from '../subscriptions/subscribers.ts';
import type { Caller } from './caller.ts';
import { executeOperation } from './execute-operation.ts';
import type { Variables } from './execution/arguments.ts';
import type { OperationResult } from './operation-result.ts';
import type { PreparedOperation } from './prepared-document.ts';
import type { PipelineParts } from './pipeline-parts.ts';
import { withTimeout } from './timeout.ts';

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

/** A source of events, with all subscribers that get its results. */
interface Source {
  readonly subscribers: Set<Subscriber<OperationResult>>;
  /** Is done when the source sends its events. */
  readonly opened: Promise<void>;
  /** Whether it executes an event from before now, which a new subscriber must not get. */
  isExecuting(): boolean;
  close(): void;
}

/**
 * Creates the last step of the pipeline for subscriptions. Subscribers with the same owner, operation and variables
 * share one source: each event is executed and serialized once for all of them.
 */
export function createSubscribe(parts: Omit<PipelineParts, 'documents' | 'trustedDocuments'>): Subscribe {
  const { schema, results, subscribers: registry, requestTimeout } = parts;
  const sources = new Map<string, Source>();

  return async (operation, variables, caller) => {
    const { identity, record, onDisconnect } = caller;
    if (identity === null) throw tokenMissing();
    const toResult = (error: Error): OperationResult => results.failed(error, record.requestId);
    const endSpan = record.trace?.begin('graphql.subscribe');
    let leave: (() => void) | null = null;
    const subscriber = registry.open(identity, toResult, () => leave?.());
    const source = sourceOf(operation, variables, identity, record.requestId);
    source.subscribers.add(subscriber);
    leave = () => {
      source.subscribers.delete(subscriber);
      if (source.subscribers.size === 0) source.close();
    };
    // The server is closing.
    if (!subscriber.results.isOpen) leave();
    const onStop = (): void => void subscriber.results.return();
    try {
      await withTimeout(source.opened, { timeout: requestTimeout, onDisconnect, onStop });
      return subscriber.results;
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
  ): Source {
    if (!isShared(schema, operation)) return openSource(operation, variables, identity, requestId, null);
    const text = operation.document.loc?.source.body;
    const key = JSON.stringify([identity.owner, text, operation.node.name?.value, variables]);
    const known = sources.get(key);
    if (known !== undefined && !known.isExecuting()) return known;
    const source = openSource(operation, variables, identity, requestId, () => {
      if (sources.get(key) === source) sources.delete(key);
    });
    sources.set(key, source);
    return source;
  }

  function openSource(
    operation: PreparedOperation,
    variables: Variables,
    identity: Identity,
    requestId: string,
    onShareEnd: (() => void) | null,
  ): Source {
    const isSharedSource = onShareEnd !== null;
    const onClosed = onShareEnd ?? (() => {});
    const subscribers = new Set<Subscriber<OperationResult>>();
    const newContext = (): Context => createContext(parts, identity, parts.openStores());
    let events: AsyncIterator<unknown> | null = null;
    let isClosed = false;
    let isExecuting = false;

    async function open(): Promise<void> {
      try {
        events = await eventsOf(schema, operation, variables, newContext());
      } catch (error) {
        onClosed();
        throw error;
      }
      if (isClosed) void events.return?.();
      else void send(events);
    }

    /** Executes each event, one after the other, and sends its result to all subscribers. */
    async function send(from: AsyncIterator<unknown>): Promise<void> {
      try {
        for (let next = await from.next(); next.done !== true; next = await from.next()) {
          const executed = executeOperation(schema, operation, variables, newContext(), next.value);
          isExecuting = executed instanceof Promise;
          const execution = executed instanceof Promise ? await executed : executed;
          const result = results.executed(execution, requestId);
          isExecuting = false;
          for (const subscriber of subscribers) subscriber.send(result, result.json.length);
          // A source of one subscriber waits for it: what is stored need not be read faster than it is sent.
          const [only] = subscribers;
          if (!isSharedSource) await only?.results.drained(MAX_BYTES_BEHIND / 2);
        }
        for (const { results: queue } of subscribers) queue.end();
      } catch (error) {
        const last = results.failed(error, requestId);
        for (const { results: queue } of subscribers) queue.endWith(last);
      }
    }

    return {
      subscribers,
      opened: open(),
      isExecuting: () => isExecuting,
      close() {
        if (isClosed) return;
        isClosed = true;
        onClosed();
        void events?.return?.();
      },
    };
  }
}

/** Whether the events of a subscription are the same for all subscribers. Valid operations have one root field. */
function isShared(schema: GraphQLSchema, { node }: PreparedOperation): boolean {
  const fields = schema.getSubscriptionType()?.getFields() ?? {};
  const [selection, ...others] = node.selectionSet.selections;
  if (selection?.kind !== Kind.FIELD || others.length > 0) return false;
  return fields[selection.name.value]?.extensions[SHARED_EVENTS] === true;
}

async function eventsOf(
  schema: GraphQLSchema,
  { document, node }: PreparedOperation,
  variableValues: Variables,
  contextValue: Context,
): Promise<AsyncIterator<unknown>> {
  const events = await createSourceEventStream({
    schema,
    document,
    contextValue,
    variableValues,
    operationName: node.name?.value ?? null,
  });
  if (Symbol.asyncIterator in events) return events[Symbol.asyncIterator]();
  throw new AggregateError(events.errors ?? []);
}
