import { SHARED_EVENTS } from '../lib/field-extensions.ts';
import { andThen } from '../lib/maybe-promise.ts';
import type { ListQuery, RunFilter, RunOrderField } from '../store/query.ts';
import type { Run, RunStatus } from '../store/records.ts';
import { builder } from './builder.ts';
import { defineChange, changeEvent } from './change.ts';
import { connect, defineConnection, NEWEST_FIRST, OrderDirection, pageArgs } from './connection.ts';
import { NodeRef } from './node.ts';
import { ownerOf } from './owner-of.ts';
import { AssistantRef, RESOURCE_ID, RunRef, ThreadRef } from './refs.ts';
import { definePayloads, idPayload, inputPayload } from './payload.ts';

const RunStatusEnum = builder.enumType('RunStatus', {
  description: 'How far a run has got. All but PENDING and RUNNING are final.',
  values: {
    PENDING: { description: 'Waiting to start.' },
    RUNNING: { description: 'Executing.' },
    SUCCESS: { description: 'Finished.' },
    ERROR: { description: 'Failed.' },
    TIMEOUT: { description: 'Took too long.' },
    INTERRUPTED: { description: 'Stopped half-way, to wait for a person.' },
    CANCELLED: { description: 'Called off before it finished.' },
  } as const satisfies Record<RunStatus, object>,
});

RunRef.implement({
  description: 'One execution of an assistant on a thread.',
  interfaces: [NodeRef],
  fields: (t) => ({
    id: t.exposeID('id', RESOURCE_ID),
    threadId: t.exposeID('threadId', { description: "The thread's id." }),
    assistantId: t.exposeID('assistantId', {
      description: "The assistant's id, kept after the assistant is deleted.",
    }),
    thread: t.field({
      description: 'The thread; null when it was deleted while this was being read.',
      type: ThreadRef,
      nullable: true,
      resolve: (run, _, context) => context.stores.threads.get(ownerOf(context), run.threadId),
    }),
    assistant: t.field({
      description: 'The assistant; null once deleted.',
      type: AssistantRef,
      nullable: true,
      resolve: (run, _, context) => context.stores.assistants.get(ownerOf(context), run.assistantId),
    }),
    status: t.expose('status', { type: RunStatusEnum, description: 'How far the run has got.' }),
    metadata: t.expose('metadata', {
      type: 'JSONObject',
      description: "Caller-defined labels. The key `owner` always holds the caller's identity.",
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
});

/** A page of runs. */
export const RunConnection = defineConnection(RunRef);

const RunFilterInput = builder.inputType('RunFilterInput', {
  description: 'Which runs to keep. All conditions that are given must hold.',
  fields: (t) => ({
    ids: t.idList({ description: 'One of these ids; 100 at most.' }),
    threadId: t.id({ description: 'On this thread.' }),
    assistantId: t.id({ description: 'Of this assistant.' }),
    status: t.field({ type: [RunStatusEnum], description: 'One of these statuses.' }),
    metadata: t.field({
      type: 'JSONObject',
      description: "The metadata contains this, as PostgreSQL's jsonb @> defines it.",
    }),
  }),
});

const RunOrderFieldEnum = builder.enumType('RunOrderField', {
  description: 'What runs can be sorted by.',
  values: {
    CREATED_AT: { description: 'Creation time.' },
    UPDATED_AT: { description: 'Time of the last change.' },
  } as const,
});

const RunOrderInput = builder.inputType('RunOrderInput', {
  description: 'How to sort runs. Ties are broken by id.',
  fields: (t) => ({
    field: t.field({ type: RunOrderFieldEnum, required: true, description: 'What to sort by.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'Which way.' }),
  }),
});

/** The arguments of every list of runs. */
export const runListArgs = builder.args((t) => ({
  filter: t.field({ type: RunFilterInput, description: 'Which runs to keep. Default: all.' }),
  orderBy: t.field({
    type: RunOrderInput,
    required: true,
    defaultValue: NEWEST_FIRST,
    description: 'How to sort them. Default: newest first.',
  }),
  ...pageArgs,
}));

/** The query for the runs of one parent. It is made for each item of a page, so its keys are written out. */
export function runsOf(parent: NonNullable<RunFilter['parent']>, query: RunQuery): RunQuery {
  const { first, after, last, before, orderBy, filter } = query;
  return { first, after, last, before, orderBy, filter: filter == null ? { parent } : { ...filter, parent } };
}

type RunQuery = ListQuery<RunFilter, RunOrderField>;

builder.queryFields((t) => ({
  run: t.field({
    description: 'One run.',
    type: RunRef,
    nullable: true,
    args: { id: t.arg.id({ required: true, description: "The run's id." }) },
    resolve: (_, { id }, context) => context.stores.runs.get(ownerOf(context), id),
  }),
  runs: t.field({
    description: "The caller's runs over all threads. Page size: 20 by default, 100 at most.",
    type: RunConnection,
    args: runListArgs,
    resolve: (_, query, context) => connect(context.stores.runs, ownerOf(context), query),
  }),
}));

const CreateRunInput = builder.inputType('CreateRunInput', {
  description: 'A new run. It starts PENDING.',
  fields: (t) => ({
    threadId: t.id({ required: true, description: 'The thread to run on.' }),
    assistantId: t.id({ required: true, description: 'The assistant to run.' }),
    metadata: t.field({ type: 'JSONObject', description: 'Labels, at most 64 KiB and 32 levels.' }),
  }),
});

const UpdateRunInput = builder.inputType('UpdateRunInput', {
  description: 'What to change of a run. `status` and `metadata` cannot be null.',
  fields: (t) => ({
    id: t.id({ required: true, description: "The run's id." }),
    status: t.field({ type: RunStatusEnum, description: 'The status to move to: forward only.' }),
    metadata: t.field({
      type: 'JSONObject',
      description: 'Merged into the metadata key by key; a null value removes its key.',
    }),
  }),
});

const payloads = definePayloads(RunRef);

builder.mutationFields((t) => ({
  createRun: t.field({
    description: "Creates a run; NOT_FOUND when its thread or its assistant is missing or another owner's.",
    type: payloads.created,
    args: { input: t.arg({ type: CreateRunInput, required: true, description: 'The new run.' }) },
    resolve: (_, { input }, context) =>
      andThen(context.stores.runs.create(ownerOf(context), input), inputPayload),
  }),
  updateRun: t.field({
    description:
      "Changes a run's status or metadata. A status only moves forward: PENDING, RUNNING, then a final one; CONFLICT otherwise.",
    type: payloads.updated,
    args: { input: t.arg({ type: UpdateRunInput, required: true, description: 'What to change.' }) },
    resolve: (_, { input: { id, ...changes } }, context) =>
      andThen(context.stores.runs.update(ownerOf(context), id, changes), inputPayload),
  }),
  deleteRun: t.field({
    description: 'Deletes a run; CONFLICT while it is pending or running.',
    type: payloads.deleted,
    args: { id: t.arg.id({ required: true, description: "The run's id." }) },
    resolve: (_, { id }, context) => andThen(context.stores.runs.delete(ownerOf(context), id), idPayload),
  }),
}));

const RunChange = defineChange<Run>(RunRef);

builder.objectField(RunChange, 'threadId', (t) =>
  t.id({ description: "The thread's id.", resolve: ({ latest }) => latest.threadId }),
);

builder.subscriptionField('runChanged', (t) =>
  t.field({
    description: "Runs created, updated or deleted: one by id, those on one thread, or all of the caller's.",
    type: RunChange,
    args: {
      id: t.arg.id({ description: 'Only this run.' }),
      threadId: t.arg.id({ description: 'Only runs on this thread.' }),
    },
    extensions: { [SHARED_EVENTS]: true },
    subscribe: (_, { id, threadId }, context) =>
      context.changes.subscribe('run', ownerOf(context), (change) =>
        changeEvent(
          change,
          (run) => (id == null || run.id === id) && (threadId == null || run.threadId === threadId),
        ),
      ),
    resolve: (change) => change,
  }),
);
