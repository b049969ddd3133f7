import { SHARED_EVENTS } from '../lib/field-extensions.ts';
import { andThen } from '../lib/maybe-promise.ts';
import type { Assistant } from '../store/records.ts';
import { builder } from './builder.ts';
import { defineChange, changeEvent } from './change.ts';
import { connect, defineConnection, NEWEST_FIRST, OrderDirection, pageArgs } from './connection.ts';
import { NodeRef } from './node.ts';
import { ownerOf } from './owner-of.ts';
import { creationPayload, definePayloads, IDEMPOTENCY_KEY, idPayload, inputPayload } from './payload.ts';
import { AssistantRef, RESOURCE_ID } from './refs.ts';
import { RunConnection, runListArgs, runsOf } from './run-list.ts';

AssistantRef.implement({
  description: 'A configured agent: the graph to run, and the settings to run it with.',
  interfaces: [NodeRef],
  fields: (t) => ({
    id: t.exposeID('id', RESOURCE_ID),
    graphId: t.exposeString('graphId', { description: 'The graph that this assistant runs.' }),
    name: t.exposeString('name', { description: 'Name shown to people.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'What the assistant is for.',
    }),
    config: t.expose('config', { type: 'JSONObject', description: 'Settings handed to every run.' }),
    context: t.expose('context', { type: 'JSONObject', description: 'Static context handed to every run.' }),
    metadata: t.expose('metadata', {
      type: 'JSONObject',
      description: "Caller-defined labels. The key `owner` always holds the caller's identity.",
    }),
    version: t.exposeInt('version', { description: '1 when created, and one more after each update.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
    runs: t.field({
      description: 'The runs of this assistant.',
      type: RunConnection,
      args: runListArgs,
      resolve: (assistant, query, context) =>
        connect(context.stores.runs, ownerOf(context), runsOf({ assistantId: assistant.id }, query)),
    }),
  }),
});

const AssistantConnection = defineConnection(AssistantRef);

const AssistantFilterInput = builder.inputType('AssistantFilterInput', {
  description: 'Which assistants to keep. All conditions that are given must hold.',
  fields: (t) => ({
    ids: t.idList({ description: 'One of these ids; 100 at most.' }),
    graphId: t.string({ description: 'This graph.' }),
    nameContains: t.string({
      description: 'This text somewhere in the name, in any case, taken literally.',
    }),
    metadata: t.field({
      type: 'JSONObject',
      description: "The metadata contains this, as PostgreSQL's jsonb @> defines it.",
    }),
  }),
});

const AssistantOrderField = builder.enumType('AssistantOrderField', {
  description: 'What assistants can be sorted by.',
  values: {
    CREATED_AT: { description: 'Creation time.' },
    UPDATED_AT: { description: 'Time of the last change.' },
    NAME: { description: 'Name, by Unicode code point.' },
  } as const,
});

const AssistantOrderInput = builder.inputType('AssistantOrderInput', {
  description: 'How to sort assistants. Ties are broken by id.',
  fields: (t) => ({
    field: t.field({ type: AssistantOrderField, required: true, description: 'What to sort by.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'Which way.' }),
  }),
});

builder.queryFields((t) => ({
  assistant: t.field({
    description: 'One assistant.',
    type: AssistantRef,
    nullable: true,
    args: { id: t.arg.id({ required: true, description: "The assistant's id." }) },
    resolve: (_, { id }, context) => context.stores.assistants.get(ownerOf(context), id),
  }),
  assistants: t.field({
    description: "The caller's assistants. Page size: 20 by default, 100 at most.",
    type: AssistantConnection,
    args: {
      filter: t.arg({
        type: AssistantFilterInput,
        description: 'Which assistants to keep. Default: all.',
      }),
      orderBy: t.arg({
        type: AssistantOrderInput,
        required: true,
        defaultValue: NEWEST_FIRST,
        description: 'How to sort them. Default: newest first.',
      }),
      ...pageArgs,
    },
    resolve: (_, query, context) => connect(context.stores.assistants, ownerOf(context), query),
  }),
}));

const CreateAssistantInput = builder.inputType('CreateAssistantInput', {
  description: 'A new assistant. Of its fields only `description` can be null.',
  fields: (t) => ({
    graphId: t.string({
      required: true,
      description: 'The graph to run: not blank, at most 256 characters.',
    }),
    name: t.string({ description: '`Untitled` when left out; not blank, at most 256 characters.' }),
    description: t.string({ description: 'At most 4,096 characters.' }),
    config: t.field({ type: 'JSONObject', description: 'Settings, at most 64 KiB and 32 levels.' }),
    context: t.field({ type: 'JSONObject', description: 'Static context, at most 64 KiB and 32 levels.' }),
    metadata: t.field({ type: 'JSONObject', description: 'Labels, at most 64 KiB and 32 levels.' }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY }),
  }),
});

const UpdateAssistantInput = builder.inputType('UpdateAssistantInput', {
  description: '`graphId`, `name`, `config`, `context` and `metadata` cannot be null.',
  fields: (t) => ({
    id: t.id({ required: true, description: "The assistant's id." }),
    expectedVersion: t.int({ description: 'Only if this is its version: CONFLICT otherwise.' }),
    graphId: t.string({ description: 'The graph to run: not blank, at most 256 characters.' }),
    name: t.string({ description: 'Not blank, at most 256 characters.' }),
    description: t.string({ description: 'Null clears it.' }),
    config: t.field({ type: 'JSONObject', description: 'Replaces the settings.' }),
    context: t.field({ type: 'JSONObject', description: 'Replaces the context.' }),
    metadata: t.field({
      type: 'JSONObject',
      description: 'Merged into the metadata key by key; a null value removes its key.',
    }),
  }),
});

const payloads = definePayloads(AssistantRef);

builder.mutationFields((t) => ({
  createAssistant: t.field({
    description: 'Creates an assistant.',
    type: payloads.created,
    args: { input: t.arg({ type: CreateAssistantInput, required: true, description: 'The new assistant.' }) },
    resolve: (_, { input }, context) =>
      andThen(context.stores.assistants.create(ownerOf(context), input), creationPayload),
  }),
  updateAssistant: t.field({
    description: 'Changes an assistant, and adds 1 to its version.',
    type: payloads.updated,
    args: { input: t.arg({ type: UpdateAssistantInput, required: true, description: 'What to change.' }) },
    resolve: (_, { input: { id, ...changes } }, context) =>
      andThen(context.stores.assistants.update(ownerOf(context), id, changes), inputPayload),
  }),
  deleteAssistant: t.field({
    description:
      'Deletes an assistant. Its finished runs stay; CONFLICT while a run of it is pending or running.',
    type: payloads.deleted,
    args: { id: t.arg.id({ required: true, description: "The assistant's id." }) },
    resolve: (_, { id }, context) =>
      andThen(context.stores.assistants.delete(ownerOf(context), id), idPayload),
  }),
}));

const AssistantChange = defineChange<Assistant>(AssistantRef);

builder.subscriptionField('assistantChanged', (t) =>
  t.field({
    description: "Assistants created, updated or deleted: one by id, or all of the caller's.",
    type: AssistantChange,
    args: { id: t.arg.id({ description: 'Only this assistant.' }) },
    extensions: { [SHARED_EVENTS]: true },
    subscribe: (_, { id }, context) =>
      context.changes.subscribe('assistant', ownerOf(context), (change) =>
        changeEvent(change, (assistant) => id == null || assistant.id === id),
      ),
    resolve: (change) => change,
  }),
);
