import { SHARED_EVENTS } from '../lib/field-extensions.ts';
import { andThen } from '../lib/maybe-promise.ts';
import type { Thread, ThreadStatus } from '../store/records.ts';
import { builder } from './builder.ts';
import { defineChange, changeEvent } from './change.ts';
import { connect, defineConnection, NEWEST_FIRST, OrderDirection, pageArgs } from './connection.ts';
import { NodeRef } from './node.ts';
import { ownerOf } from './owner-of.ts';
import { creationPayload, definePayloads, IDEMPOTENCY_KEY, idPayload, inputPayload } from './payload.ts';
import { readPayload } from './run-payload.ts';
import { RESOURCE_ID, ThreadRef } from './refs.ts';
import { RunConnection, runListArgs, runsOf } from './run-list.ts';

const ThreadStatusEnum = builder.enumType('ThreadStatus', {
  description: 'What a thread is doing.',
  values: {
    IDLE: {
      description: 'No run is pending or running, and the last one to end did not fail or stop half-way.',
    },
    BUSY: { description: 'A run is pending or running.' },
    INTERRUPTED: { description: 'The last run to end was interrupted and waits for a person.' },
    ERROR: { description: 'The last run to end failed or timed out.' },
  } as const satisfies Record<ThreadStatus, object>,
});

ThreadRef.implement({
  description: 'A conversation that successive runs extend.',
  interfaces: [NodeRef],
  fields: (t) => ({
    id: t.exposeID('id', RESOURCE_ID),
    status: t.expose('status', {
      type: ThreadStatusEnum,
      description: "What the thread is doing. It follows from the thread's runs and cannot be set.",
    }),
    values: t.field({
      description:
        "The state that the next run goes on from: the output of the thread's run that ended last with one. Null before.",
      type: 'JSONObject',
      nullable: true,
      resolve: ({ valuesRunId, payloads: shown }, _, context) =>
        readPayload(context, valuesRunId, 'output', shown),
    }),
    metadata: t.expose('metadata', {
      type: 'JSONObject',
      description: "Caller-defined labels. The key `owner` always holds the caller's identity.",
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
    runs: t.field({
      description: "The thread's runs.",
      type: RunConnection,
      args: runListArgs,
      resolve: (thread, query, context) =>
        connect(context.stores.runs, ownerOf(context), runsOf({ threadId: thread.id }, query)),
    }),
  }),
});

const ThreadConnection = defineConnection(ThreadRef);

const ThreadFilterInput = builder.inputType('ThreadFilterInput', {
  description: 'Which threads to keep. All conditions that are given must hold.',
  fields: (t) => ({
    ids: t.idList({ description: 'One of these ids; 100 at most.' }),
    status: t.field({ type: [ThreadStatusEnum], description: 'One of these statuses.' }),
    metadata: t.field({
      type: 'JSONObject',
      description: "The metadata contains this, as PostgreSQL's jsonb @> defines it.",
    }),
  }),
});

const ThreadOrderField = builder.enumType('ThreadOrderField', {
  description: 'What threads can be sorted by.',
  values: {
    CREATED_AT: { description: 'Creation time.' },
    UPDATED_AT: { description: 'Time of the last change.' },
  } as const,
});

const ThreadOrderInput = builder.inputType('ThreadOrderInput', {
  description: 'How to sort threads. Ties are broken by id.',
  fields: (t) => ({
    field: t.field({ type: ThreadOrderField, required: true, description: 'What to sort by.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'Which way.' }),
  }),
});

builder.queryFields((t) => ({
  thread: t.field({
    description: 'One thread.',
    type: ThreadRef,
    nullable: true,
    args: { id: t.arg.id({ required: true, description: "The thread's id." }) },
    resolve: (_, { id }, context) => context.stores.threads.get(ownerOf(context), id),
  }),
  threads: t.field({
    description: "The caller's threads. Page size: 20 by default, 100 at most.",
    type: ThreadConnection,
    args: {
      filter: t.arg({ type: ThreadFilterInput, description: 'Which threads to keep. Default: all.' }),
      orderBy: t.arg({
        type: ThreadOrderInput,
        required: true,
        defaultValue: NEWEST_FIRST,
        description: 'How to sort them. Default: newest first.',
      }),
      ...pageArgs,
    },
    resolve: (_, query, context) => connect(context.stores.threads, ownerOf(context), query),
  }),
}));

const CreateThreadInput = builder.inputType('CreateThreadInput', {
  description: 'A new thread. It starts IDLE.',
  fields: (t) => ({
    metadata: t.field({ type: 'JSONObject', description: 'Labels, at most 64 KiB and 32 levels.' }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY }),
  }),
});

const UpdateThreadInput = builder.inputType('UpdateThreadInput', {
  description: 'What to change of a thread. `metadata` cannot be null.',
  fields: (t) => ({
    id: t.id({ required: true, description: "The thread's id." }),
    metadata: t.field({
      type: 'JSONObject',
      description: 'Merged into the metadata key by key; a null value removes its key.',
    }),
  }),
});

const payloads = definePayloads(ThreadRef);

builder.mutationFields((t) => ({
  createThread: t.field({
    description: 'Creates a thread.',
    type: payloads.created,
    args: {
      input: t.arg({
        type: CreateThreadInput,
        required: true,
        defaultValue: {},
        description: 'The new thread.',
      }),
    },
    resolve: (_, { input }, context) =>
      andThen(context.stores.threads.create(ownerOf(context), input), creationPayload),
  }),
  updateThread: t.field({
    description: "Changes a thread's metadata.",
    type: payloads.updated,
    args: { input: t.arg({ type: UpdateThreadInput, required: true, description: 'What to change.' }) },
    resolve: (_, { input: { id, ...changes } }, context) =>
      andThen(context.stores.threads.update(ownerOf(context), id, changes), inputPayload),
  }),
  deleteThread: t.field({
    description: 'Deletes a thread and all its runs.',
    type: payloads.deleted,
    args: { id: t.arg.id({ required: true, description: "The thread's id." }) },
    resolve: (_, { id }, context) => andThen(context.stores.threads.delete(ownerOf(context), id), idPayload),
  }),
}));

const ThreadChange = defineChange<Thread>(ThreadRef);

builder.subscriptionField('threadChanged', (t) =>
  t.field({
    description:
      "Threads created, updated (their status included) or deleted: one by id, or all of the caller's.",
    type: ThreadChange,
    args: { id: t.arg.id({ description: 'Only this thread.' }) },
    extensions: { [SHARED_EVENTS]: true },
    subscribe: (_, { id }, context) =>
      context.changes.subscribe('thread', ownerOf(context), (change, shown) =>
        changeEvent(change, (thread) => id == null || thread.id === id, shown),
      ),
    resolve: (change) => change,
  }),
);
