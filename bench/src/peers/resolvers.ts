import { GraphQLScalarType } from 'graphql';
import { andThen } from '../../../dist/lib/maybe-promise.js';
import type { Owner } from '../../../dist/store/owner.js';
import type { ListQuery, Page, RunOrderField, ThreadOrderField } from '../../../dist/store/query.js';
import type { JsonObject, Run, Thread } from '../../../dist/store/records.js';
import type { Stores } from '../../../dist/store/stores.js';

/** What resolvers are given. */
export interface Caller {
  readonly owner: Owner;
}

type Id = { readonly id: string };
type ThreadList = ListQuery<never, ThreadOrderField>;
type RunList = ListQuery<never, RunOrderField>;
type NewThreadInput = { readonly input: { readonly metadata?: JsonObject | null } };

/** The resolvers of the servers that are given SDL and a map. The stores answer at once, and so do these. */
export function createResolvers(stores: Stores) {
  return {
    DateTime: new GraphQLScalarType({ name: 'DateTime' }),
    JSONObject: new GraphQLScalarType({ name: 'JSONObject', parseValue: readJsonObject }),
    Query: {
      assistant: (_: unknown, { id }: Id, { owner }: Caller) => stores.assistants.get(owner, id),
      threads: (_: unknown, query: ThreadList, { owner }: Caller) => stores.threads.list(owner, query),
    },
    Mutation: {
      createThread: (_: unknown, { input }: NewThreadInput, { owner }: Caller) =>
        andThen(stores.threads.create(owner, input), (outcome) =>
          'value' in outcome
            ? { thread: outcome.value, userErrors: [] }
            : {
                thread: null,
                userErrors: outcome.refusals.map((refusal) => ({
                  ...refusal,
                  field: ['input', refusal.key],
                })),
              },
        ),
    },
    Thread: {
      runs: ({ id }: Thread, query: RunList, { owner }: Caller) =>
        stores.runs.list(owner, { ...query, filter: { parent: { threadId: id } } }),
    },
    Run: {
      assistant: (run: Run, _: unknown, { owner }: Caller) => stores.assistants.get(owner, run.assistantId),
    },
    ThreadConnection: {
      edges: (page: Page<Thread>) => page.items.map((node) => ({ node, page })),
      nodes: (page: Page<Thread>) => page.items,
      pageInfo: (page: Page<Thread>) => pageInfoOf(page),
    },
    ThreadEdge: {
      cursor: ({ page, node }: { page: Page<Thread>; node: Thread }) => page.cursorOf(node),
    },
    RunConnection: {
      nodes: (page: Page<Run>) => page.items,
      pageInfo: (page: Page<Run>) => pageInfoOf(page),
    },
  };
}

/** Where a page stands in its list. */
export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

/** Works out where a page stands in its list. */
export function pageInfoOf<R>({ items, hasNextPage, hasPreviousPage, cursorOf }: Page<R>): PageInfo {
  const [first, last] = [items[0], items.at(-1)];
  return {
    hasNextPage,
    hasPreviousPage,
    startCursor: first === undefined ? null : cursorOf(first),
    endCursor: last === undefined ? null : cursorOf(last),
  };
}

/** A variable that must be a JSON object. */
export function readJsonObject(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw new TypeError('A JSON object is expected here.');
  return value;
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
