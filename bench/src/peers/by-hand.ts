import { andThen, type MaybePromise } from '../../../dist/lib/maybe-promise.js';
import type { Change } from '../../../dist/store/change.js';
import type { Owner } from '../../../dist/store/owner.js';
import type { ListQuery, Order, ThreadFilter, ThreadOrderField } from '../../../dist/store/query.js';
import type { Assistant, JsonObject, Run, Thread } from '../../../dist/store/records.js';
import type { Stores } from '../../../dist/store/stores.js';

/**
 * Returns the `data` of an answer. Throws `TypeError` for an invalid body.
 * @param stores of this request
 */
export type Endpoint = (owner: Owner, body: unknown, stores: Stores) => MaybePromise<object>;

/** The times of a record as they go into an answer. */
export type TimesOf = (record: Assistant | Thread | Run) => {
  readonly createdAt: Date | string;
  readonly updatedAt: Date | string;
};

/** The works as somebody writes them by hand, by their paths. What the stores answer at once is not waited for. */
export function endpointsByHand(timesOf: TimesOf): Readonly<Record<string, Endpoint>> {
  return {
    '/assistant': (owner, body, stores) =>
      andThen(stores.assistants.get(owner, readId(body)), (assistant) => ({
        assistant: assistant && showAssistant(assistant, timesOf),
      })),
    '/threads': (owner, body, stores) =>
      andThen(stores.threads.list(owner, readQuery(body)), (page) => {
        const edges = page.items.map((thread) => ({
          cursor: page.cursorOf(thread),
          node: showThread(thread, timesOf),
        }));
        const pageInfo = {
          hasNextPage: page.hasNextPage,
          hasPreviousPage: page.hasPreviousPage,
          startCursor: edges[0]?.cursor ?? null,
          endCursor: edges.at(-1)?.cursor ?? null,
        };
        return { threads: { edges, pageInfo } };
      }),
    '/threads-with-runs': (owner, body, stores) =>
      andThen(stores.threads.list(owner, readQuery(body)), ({ items }) =>
        andThen(all(items.map((thread) => showWithRuns(stores, owner, thread, timesOf))), (nodes) => ({
          threads: { nodes },
        })),
      ),
    '/create-thread': (owner, body, stores) =>
      andThen(stores.threads.create(owner, { metadata: readMetadata(body) }), (outcome) => {
        if ('value' in outcome) {
          const { id, status, metadata } = outcome.value;
          return { createThread: { thread: { id, status, metadata }, userErrors: [] } };
        }
        const userErrors = outcome.refusals.map(({ code, message, key }) => ({
          code,
          message,
          field: ['input', key],
        }));
        return { createThread: { thread: null, userErrors } };
      }),
  };
}

/** A change of a thread as its subscribers see it. */
export function showChange({ before, after }: Change & { resource: 'thread' }, timesOf: TimesOf): object {
  const latest = after ?? before;
  const kind = before === null ? 'CREATED' : after === null ? 'DELETED' : 'UPDATED';
  return { threadChanged: { kind, threadId: latest?.id, thread: after && showThread(after, timesOf) } };
}

export function showThread(thread: Thread, timesOf: TimesOf): object {
  const { id, status, metadata } = thread;
  const { createdAt, updatedAt } = timesOf(thread);
  return { id, status, metadata, createdAt, updatedAt };
}

export function showAssistant(assistant: Assistant, timesOf: TimesOf): object {
  const { id, graphId, name, description, config, context, metadata, version } = assistant;
  const { createdAt, updatedAt } = timesOf(assistant);
  return { id, graphId, name, description, config, context, metadata, version, createdAt, updatedAt };
}

function showWithRuns(
  stores: Stores,
  owner: Owner,
  { id, status }: Thread,
  timesOf: TimesOf,
): MaybePromise<object> {
  return andThen(stores.runs.list(owner, runsOf(id)), ({ items }) =>
    andThen(all(items.map((run) => showRun(stores, owner, run, timesOf))), (nodes) => ({
      id,
      status,
      runs: { nodes },
    })),
  );
}

function showRun(stores: Stores, owner: Owner, run: Run, timesOf: TimesOf): MaybePromise<object> {
  return andThen(stores.assistants.get(owner, run.assistantId), (assistant) => ({
    id: run.id,
    status: run.status,
    createdAt: timesOf(run).createdAt,
    assistant: assistant && { id: assistant.id, name: assistant.name },
  }));
}

function runsOf(threadId: string) {
  const orderBy = { field: 'CREATED_AT', direction: 'DESC' } as const;
  return { first: 5, orderBy, filter: { parent: { threadId } } };
}

/** All of them: at once when they are there. */
function all<T>(values: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> {
  return values.every(isThere) ? values : Promise.all(values);
}

function isThere<T>(value: MaybePromise<T>): value is T {
  return !(value instanceof Promise);
}

export function readId(body: unknown): string {
  if (!isObject(body) || typeof body.id !== 'string') throw new TypeError('`id` must be a string.');
  return body.id;
}

export function readQuery(body: unknown): ListQuery<ThreadFilter, ThreadOrderField> {
  if (!isObject(body) || !isOrder(body.orderBy)) throw new TypeError('`orderBy` must be an order.');
  return { first: 20, orderBy: body.orderBy };
}

export function readMetadata(body: unknown): JsonObject {
  if (!isObject(body) || !isObject(body.input) || !isJsonObject(body.input.metadata)) {
    throw new TypeError('`input.metadata` must be an object.');
  }
  return body.input.metadata;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isOrder(value: unknown): value is Order<ThreadOrderField> {
  return (
    isObject(value) &&
    (value.field === 'CREATED_AT' || value.field === 'UPDATED_AT') &&
    (value.direction === 'ASC' || value.direction === 'DESC')
  );
}

/** What comes from JSON holds nothing but JSON. */
function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value) && !Array.isArray(value);
}
