import { createSourceEventStream, type GraphQLSchema } from 'graphql';
import type { Identity } from '../auth/identity.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import { MAX_BYTES_BEHIND } from '../limits.ts';
import { type Context, createContext } from '../schema/context.ts';
import type { Subscriber } from '../subscriptions/subscribers.ts';
import { executeOperation } from './execute-operation.ts';
import type { Variables } from './execution/arguments.ts';
import type { LatestResult } from './latest-result.ts';
import { putKeys, splitAtKeys } from './numbered-keys.ts';
import { type OperationResult, serializeData } from './operation-result.ts';
import type { PipelineParts } from './pipeline-parts.ts';
import type { PreparedOperation } from './prepared-document.ts';

/** A source of events, with all subscribers that get its results. It closes with its last subscriber. */
export interface EventSource {
  /** Resolves when the source is open. */
  readonly opened: Promise<void>;
  /** Adds a subscriber. Returns the function that removes it. */
  add(subscriber: Subscriber<OperationResult>, operation: PreparedOperation, requestId: string): () => void;
  /** Whether it is executing an earlier event, which a new subscriber must not get. */
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
  /** Shared by all sources. */
  readonly latest: LatestResult;
  readonly onClosed: () => void;
}

type Parts = Omit<PipelineParts, 'documents' | 'trustedDocuments'>;

/** The subscribers that have sent the same document: 50 at most, as one owner may have. */
interface Group {
  readonly document: string;
  readonly operation: PreparedOperation;
  /** The request of the first of them. */
  readonly requestId: string;
  subscribers: readonly Subscriber<OperationResult>[];
}

/**
 * Opens a source of events. Each is executed and serialized once for all subscribers, and then gets the response keys
 * of each document.
 */
export function openEventSource(parts: Parts, options: EventSourceOptions): EventSource {
  return new OperationSource(parts, options);
}

/** A class, and no closures: thousands of subscriptions may be open. */
class OperationSource implements EventSource {
  readonly #parts: Parts;
  readonly #options: EventSourceOptions;
  readonly #numbered: ReturnType<PreparedOperation['numbered']> | null;
  /** As JSON. */
  readonly #variables: string;
  #groups: readonly Group[] = [];
  #events: AsyncIterator<unknown> | null = null;
  #isClosed = false;
  #isExecuting = false;
  readonly opened: Promise<void>;

  constructor(parts: Parts, options: EventSourceOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#variables = JSON.stringify(options.variables);
    this.#numbered = options.isShared ? options.operation.numbered() : null;
    this.opened = this.#open();
  }

  add(subscriber: Subscriber<OperationResult>, operation: PreparedOperation, requestId: string): () => void {
    const document = `${operation.node.name?.value ?? ''} ${operation.document.loc?.source.body ?? ''}`;
    const known = this.#groups.find((other) => other.document === document);
    const group = known ?? { document, operation, requestId, subscribers: [] };
    if (known === undefined) this.#groups = [...this.#groups, group];
    group.subscribers = [...group.subscribers, subscriber];
    return () => this.#remove(group, subscriber);
  }

  isExecuting(): boolean {
    return this.#isExecuting;
  }

  #remove(group: Group, subscriber: Subscriber<OperationResult>): void {
    group.subscribers = group.subscribers.filter((other) => other !== subscriber);
    if (group.subscribers.length === 0) this.#groups = this.#groups.filter((other) => other !== group);
    if (this.#groups.length > 0 || this.#isClosed) return;
    this.#isClosed = true;
    this.#options.onClosed();
    void this.#events?.return?.();
  }

  async #open(): Promise<void> {
    const { operation, variables, onClosed } = this.#options;
    try {
      this.#events = await eventsOf(this.#parts.schema, operation, variables, this.#newContext());
    } catch (error) {
      onClosed();
      throw error;
    }
    if (this.#isClosed) void this.#events.return?.();
    else this.#sendNext(this.#events);
  }

  /** Executes the next event and sends its results, and so on: one after the other. */
  #sendNext(from: AsyncIterator<unknown>): void {
    from
      .next()
      .then((next) => (next.done === true ? this.#end() : this.#send(from, next.value)))
      .catch((error: unknown) => this.#fail(error));
  }

  /** No async function: with stores in memory, an event is executed and sent at once. */
  #send(from: AsyncIterator<unknown>, event: unknown): MaybePromise<void> {
    const sent = this.#sendEvent(event);
    if (!(sent instanceof Promise)) return this.#sendNextOnceDrained(from);
    this.#isExecuting = true;
    return sent.then(() => {
      this.#isExecuting = false;
      return this.#sendNextOnceDrained(from);
    });
  }

  /** A source of one subscriber waits for it: what is stored need not be read faster than it is sent. */
  #sendNextOnceDrained(from: AsyncIterator<unknown>): MaybePromise<void> {
    const only = this.#options.isShared ? undefined : this.#groups[0]?.subscribers[0];
    return andThen(only?.results.drained(MAX_BYTES_BEHIND / 2) ?? undefined, () => this.#sendNext(from));
  }

  #end(): void {
    for (const { results } of this.#allSubscribers()) results.end();
  }

  #fail(error: unknown): void {
    const last = this.#parts.results.failed(error, this.#options.requestId);
    for (const { results } of this.#allSubscribers()) results.endWith(last);
  }

  #sendEvent(event: unknown): MaybePromise<void> {
    const { schema, results } = this.#parts;
    const { variables } = this.#options;
    const numbered = this.#numbered;
    const isOneDocument = this.#groups.length === 1;
    if (numbered === null || isOneDocument || numbered.compiled(variables) === null) {
      return this.#sendToEach(event);
    }
    const executed = executeOperation(schema, numbered, variables, this.#newContext(), event);
    return andThen(executed, (execution) => {
      const data = serializeData(execution);
      const split = data === null ? null : splitAtKeys(data);
      // Errors have the paths and the positions of each document.
      if (split === null) return this.#sendToEach(event);
      for (const group of this.#groups) {
        const { keys } = group.operation.numbered();
        sendResult(group, results.serialized(putKeys(split, keys), group.requestId));
      }
    });
  }

  /** Executes an event for each document by itself. */
  #sendToEach(event: unknown, groups = this.#groups): MaybePromise<void> {
    for (const [index, group] of groups.entries()) {
      const sent = this.#sendTo(group, event);
      if (sent instanceof Promise) return sent.then(() => this.#sendToEach(event, groups.slice(index + 1)));
    }
  }

  #sendTo(group: Group, event: unknown): MaybePromise<void> {
    const { schema, results } = this.#parts;
    const { identity, latest, variables } = this.#options;
    const { operation, requestId } = group;
    const key = { owner: identity.owner, event, operation, variables: this.#variables };
    const known = latest.find(key);
    if (known !== null) return sendResult(group, known);
    const executed = executeOperation(schema, operation, variables, this.#newContext(), event);
    return andThen(executed, (execution) => {
      const result = results.executed(execution, requestId);
      latest.keep(key, result);
      sendResult(group, result);
    });
  }

  #newContext(): Context {
    return createContext(this.#parts, this.#options.identity, this.#parts.openStores());
  }

  #allSubscribers(): readonly Subscriber<OperationResult>[] {
    return this.#groups.flatMap(({ subscribers }) => subscribers);
  }
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
