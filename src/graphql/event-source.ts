import { createSourceEventStream, type GraphQLSchema } from 'graphql';
import type { Identity } from '../auth/identity.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import { MAX_BYTES_BEHIND } from '../limits.ts';
import { type Context, createContext } from '../schema/context.ts';
import type { Subscriber } from '../subscriptions/subscribers.ts';
import { executeOperation } from './execute-operation.ts';
import type { Variables } from './execution/arguments.ts';
import { putKeys, splitAtKeys } from './numbered-keys.ts';
import { type OperationResult, serializeData } from './operation-result.ts';
import type { PipelineParts } from './pipeline-parts.ts';
import type { PreparedOperation } from './prepared-document.ts';

/** A source of events, with all subscribers that get its results. It closes with its last subscriber. */
export interface EventSource {
  /** Is done when the source sends its events. */
  readonly opened: Promise<void>;
  /** Adds a subscriber. Returns the function that removes it. */
  add(subscriber: Subscriber<OperationResult>, operation: PreparedOperation, requestId: string): () => void;
  /** Whether it executes an event from before now, which a new subscriber must not get. */
  isExecuting(): boolean;
}

/** What an event source sends, and to whom. */
export interface EventSourceOptions {
  readonly operation: PreparedOperation;
  readonly variables: Variables;
  readonly identity: Identity;
  /** Whether there are more subscribers than one, with operations that may differ in aliases. */
  readonly isShared: boolean;
  /** For the error of the source itself. */
  readonly requestId: string;
  readonly onClosed: () => void;
}

/** The subscribers that have sent the same document. */
interface Group {
  readonly operation: PreparedOperation;
  /** The request of the first of them. */
  readonly requestId: string;
  readonly subscribers: Set<Subscriber<OperationResult>>;
}

/**
 * Opens a source of events. Each is executed and serialized once for all subscribers, and then gets the response keys
 * of each document.
 */
export function openEventSource(
  parts: Omit<PipelineParts, 'documents' | 'trustedDocuments'>,
  { operation, variables, identity, isShared, requestId, onClosed }: EventSourceOptions,
): EventSource {
  const { schema, results } = parts;
  const groups = new Map<string, Group>();
  const numbered = isShared ? operation.numbered() : null;
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

  /** Executes each event, one after the other, and sends its results. */
  async function send(from: AsyncIterator<unknown>): Promise<void> {
    try {
      for (let next = await from.next(); next.done !== true; next = await from.next()) {
        const sent = sendEvent(next.value);
        if (sent instanceof Promise) {
          isExecuting = true;
          await sent;
          isExecuting = false;
        }
        // A source of one subscriber waits for it: what is stored need not be read faster than it is sent.
        if (!isShared) await allSubscribers()[0]?.results.drained(MAX_BYTES_BEHIND / 2);
      }
      for (const { results: queue } of allSubscribers()) queue.end();
    } catch (error) {
      const last = results.failed(error, requestId);
      for (const { results: queue } of allSubscribers()) queue.endWith(last);
    }
  }

  function sendEvent(event: unknown): MaybePromise<void> {
    const isOneDocument = groups.size === 1;
    if (numbered === null || isOneDocument || numbered.compiled(variables) === null) return sendToEach(event);
    return andThen(executeOperation(schema, numbered, variables, newContext(), event), (execution) => {
      const data = serializeData(execution);
      const split = data === null ? null : splitAtKeys(data);
      // Errors have the paths and the positions of each document.
      if (split === null) return sendToEach(event);
      for (const group of groups.values()) {
        const { keys } = group.operation.numbered();
        sendResult(group, results.serialized(putKeys(split, keys), group.requestId));
      }
    });
  }

  /** Executes an event for each document by itself. */
  async function sendToEach(event: unknown): Promise<void> {
    for (const group of groups.values()) {
      const execution = await executeOperation(schema, group.operation, variables, newContext(), event);
      sendResult(group, results.executed(execution, group.requestId));
    }
  }

  function allSubscribers(): readonly Subscriber<OperationResult>[] {
    return [...groups.values()].flatMap(({ subscribers }) => [...subscribers]);
  }

  return {
    opened: open(),
    isExecuting: () => isExecuting,
    add(subscriber, own, ownRequestId) {
      const key = `${own.node.name?.value ?? ''} ${own.document.loc?.source.body ?? ''}`;
      const known = groups.get(key);
      const group = known ?? { operation: own, requestId: ownRequestId, subscribers: new Set() };
      if (known === undefined) groups.set(key, group);
      group.subscribers.add(subscriber);
      return () => {
        group.subscribers.delete(subscriber);
        if (group.subscribers.size === 0) groups.delete(key);
        if (groups.size > 0 || isClosed) return;
        isClosed = true;
        onClosed();
        void events?.return?.();
      };
    },
  };
}

function sendResult({ subscribers }: Group, result: OperationResult): void {
  for (const subscriber of subscribers) subscriber.send(result, result.json.length);
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
