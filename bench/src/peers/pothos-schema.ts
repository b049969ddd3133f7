import SchemaBuilder from '@pothos/core';
import { andThen } from '../../../dist/lib/maybe-promise.js';
import type { Change, ChangeOf } from '../../../dist/store/change.js';
import type { Page } from '../../../dist/store/query.js';
import {
  RUN_STATUSES,
  THREAD_STATUSES,
  type Assistant,
  type JsonObject,
  type Run,
  type Thread,
} from '../../../dist/store/records.js';
import type { Refusal } from '../../../dist/store/outcome.js';
import type { Stores } from '../../../dist/store/stores.js';
import { type Caller, type PageInfo, pageInfoOf, readJsonObject } from './resolvers.ts';

/** Where a subscription gets the changes of an owner's threads. */
export type SubscribeToThreads = (owner: string) => AsyncIterable<ChangeOf<'thread'>>;

/** The schema of the works as Pothos is written. */
export function createPothosSchema(stores: Stores, subscribe: SubscribeToThreads) {
  const builder = new SchemaBuilder<{
    Context: Caller;
    DefaultFieldNullability: false;
    Scalars: {
      ID: { Input: string; Output: string };
      DateTime: { Input: string; Output: string };
      JSONObject: { Input: JsonObject; Output: JsonObject };
    };
  }>({ defaultFieldNullability: false });

  builder.scalarType('DateTime', { serialize: (instant) => instant });
  builder.scalarType('JSONObject', { serialize: (object) => object, parseValue: readJsonObject });

  const Direction = builder.enumType('OrderDirection', { values: ['ASC', 'DESC'] as const });
  const fields = ['CREATED_AT', 'UPDATED_AT'] as const;
  const ThreadOrderField = builder.enumType('ThreadOrderField', { values: fields });
  const RunOrderField = builder.enumType('RunOrderField', { values: fields });
  const ThreadStatus = builder.enumType('ThreadStatus', { values: THREAD_STATUSES });
  const RunStatus = builder.enumType('RunStatus', { values: RUN_STATUSES });
  const UserErrorCode = builder.enumType('UserErrorCode', {
    values: ['INVALID', 'NOT_FOUND', 'CONFLICT'] as const,
  });
  const ChangeKind = builder.enumType('ChangeKind', {
    values: ['CREATED', 'UPDATED', 'DELETED'] as const,
  });
  const ThreadOrder = builder.inputType('ThreadOrderInput', {
    fields: (t) => ({
      field: t.field({ type: ThreadOrderField, required: true }),
      direction: t.field({ type: Direction, required: true }),
    }),
  });
  const RunOrder = builder.inputType('RunOrderInput', {
    fields: (t) => ({
      field: t.field({ type: RunOrderField, required: true }),
      direction: t.field({ type: Direction, required: true }),
    }),
  });
  const NewThread = builder.inputType('CreateThreadInput', {
    fields: (t) => ({ metadata: t.field({ type: 'JSONObject' }) }),
  });
  const newestFirst = { field: 'CREATED_AT', direction: 'DESC' } as const;

  const AssistantRef = builder.objectRef<Assistant>('Assistant').implement({
    fields: (t) => ({
      id: t.exposeID('id'),
      graphId: t.exposeString('graphId'),
      name: t.exposeString('name'),
      description: t.exposeString('description', { nullable: true }),
      config: t.expose('config', { type: 'JSONObject' }),
      context: t.expose('context', { type: 'JSONObject' }),
      metadata: t.expose('metadata', { type: 'JSONObject' }),
      version: t.exposeInt('version'),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    }),
  });

  const RunRef = builder.objectRef<Run>('Run').implement({
    fields: (t) => ({
      id: t.exposeID('id'),
      status: t.expose('status', { type: RunStatus }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
      assistant: t.field({
        type: AssistantRef,
        nullable: true,
        resolve: (run, _, { owner }) => stores.assistants.get(owner, run.assistantId),
      }),
    }),
  });

  const PageInfoRef = builder.objectRef<PageInfo>('PageInfo').implement({
    fields: (t) => ({
      hasNextPage: t.exposeBoolean('hasNextPage'),
      hasPreviousPage: t.exposeBoolean('hasPreviousPage'),
      startCursor: t.exposeString('startCursor', { nullable: true }),
      endCursor: t.exposeString('endCursor', { nullable: true }),
    }),
  });

  const RunConnection = builder.objectRef<Page<Run>>('RunConnection').implement({
    fields: (t) => ({
      nodes: t.field({ type: [RunRef], resolve: (page) => page.items }),
      pageInfo: t.field({ type: PageInfoRef, resolve: (page) => pageInfoOf(page) }),
    }),
  });

  const ThreadRef = builder.objectRef<Thread>('Thread').implement({
    fields: (t) => ({
      id: t.exposeID('id'),
      status: t.expose('status', { type: ThreadStatus }),
      metadata: t.expose('metadata', { type: 'JSONObject' }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
      runs: t.field({
        type: RunConnection,
        args: {
          first: t.arg.int(),
          after: t.arg.string(),
          orderBy: t.arg({ type: RunOrder, required: true, defaultValue: newestFirst }),
        },
        resolve: ({ id }, query, { owner }) =>
          stores.runs.list(owner, { ...query, filter: { parent: { threadId: id } } }),
      }),
    }),
  });

  const ThreadEdge = builder.objectRef<{ page: Page<Thread>; node: Thread }>('ThreadEdge').implement({
    fields: (t) => ({
      cursor: t.string({ resolve: ({ page, node }) => page.cursorOf(node) }),
      node: t.expose('node', { type: ThreadRef }),
    }),
  });

  const ThreadConnection = builder.objectRef<Page<Thread>>('ThreadConnection').implement({
    fields: (t) => ({
      edges: t.field({
        type: [ThreadEdge],
        resolve: (page) => page.items.map((node) => ({ page, node })),
      }),
      nodes: t.field({ type: [ThreadRef], resolve: (page) => page.items }),
      pageInfo: t.field({ type: PageInfoRef, resolve: (page) => pageInfoOf(page) }),
    }),
  });

  const UserError = builder.objectRef<Refusal>('UserError').implement({
    fields: (t) => ({
      code: t.expose('code', { type: UserErrorCode }),
      message: t.exposeString('message'),
      field: t.stringList({ nullable: true, resolve: ({ key }) => ['input', key] }),
    }),
  });

  const CreateThreadPayload = builder
    .objectRef<{ thread: Thread | null; userErrors: readonly Refusal[] }>('CreateThreadPayload')
    .implement({
      fields: (t) => ({
        thread: t.expose('thread', { type: ThreadRef, nullable: true }),
        userErrors: t.field({ type: [UserError], resolve: ({ userErrors }) => userErrors }),
      }),
    });

  const ThreadChange = builder.objectRef<ChangeOf<'thread'>>('ThreadChange').implement({
    fields: (t) => ({
      kind: t.field({
        type: ChangeKind,
        resolve: ({ before, after }) =>
          before === null ? 'CREATED' : after === null ? 'DELETED' : 'UPDATED',
      }),
      threadId: t.id({ resolve: ({ before, after }) => (after ?? before)?.id ?? '' }),
      thread: t.expose('after', { type: ThreadRef, nullable: true }),
    }),
  });

  builder.queryType({
    fields: (t) => ({
      assistant: t.field({
        type: AssistantRef,
        nullable: true,
        args: { id: t.arg.id({ required: true }) },
        resolve: (_, { id }, { owner }) => stores.assistants.get(owner, id),
      }),
      threads: t.field({
        type: ThreadConnection,
        args: {
          first: t.arg.int(),
          after: t.arg.string(),
          orderBy: t.arg({ type: ThreadOrder, required: true, defaultValue: newestFirst }),
        },
        resolve: (_, query, { owner }) => stores.threads.list(owner, query),
      }),
    }),
  });

  builder.mutationType({
    fields: (t) => ({
      createThread: t.field({
        type: CreateThreadPayload,
        args: { input: t.arg({ type: NewThread, required: true, defaultValue: {} }) },
        resolve: (_, { input }, { owner }) =>
          andThen(stores.threads.create(owner, input), (outcome) =>
            'value' in outcome
              ? { thread: outcome.value, userErrors: [] }
              : { thread: null, userErrors: outcome.refusals },
          ),
      }),
    }),
  });

  builder.subscriptionType({
    fields: (t) => ({
      threadChanged: t.field({
        type: ThreadChange,
        subscribe: (_, __, { owner }) => subscribe(owner),
        resolve: (change) => change,
      }),
    }),
  });

  return builder.toSchema();
}

/** Whether a change is one of a thread. */
export function isOfThread(change: Change): change is ChangeOf<'thread'> {
  return change.resource === 'thread';
}
