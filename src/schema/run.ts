import { SHARED_EVENTS } from '../lib/field-extensions.ts';
import { andThen } from '../lib/maybe-promise.ts';
import type { Run } from '../store/records.ts';
import { runOnceEnded } from '../subscriptions/waiting-calls.ts';
import { builder } from './builder.ts';
import { defineChange, changeEvent } from './change.ts';
import { connect } from './connection.ts';
import { NodeRef } from './node.ts';
import { ownerOf } from './owner-of.ts';
import { AssistantRef, RESOURCE_ID, RunRef, ThreadRef } from './refs.ts';
import { creationPayload, definePayloads, IDEMPOTENCY_KEY, idPayload, inputPayload } from './payload.ts';
import { MultitaskStrategyEnum, RunStatusEnum } from './run-enums.ts';
import { RunErrorRef } from './run-error.ts';
import { RunConnection, runListArgs } from './run-list.ts';
import { readPayload } from './run-payload.ts';

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
    input: t.field({
      description: 'What the run was given to work on.',
      type: 'JSONObject',
      nullable: true,
      resolve: (run, _, context) => readPayload(context, run.hasInput ? run.id : null, 'input', run.payloads),
    }),
    output: t.field({
      description:
        'What it left: the state of the thread after it. Null while it is active, and where it left none.',
      type: 'JSONObject',
      nullable: true,
      resolve: (run, _, context) =>
        readPayload(context, run.hasOutput ? run.id : null, 'output', run.payloads),
    }),
    error: t.expose('error', {
      type: RunErrorRef,
      nullable: true,
      description: 'Why it failed; null unless its status is ERROR or TIMEOUT.',
    }),
    interrupt: t.expose('interrupt', {
      type: 'JSONObject',
      nullable: true,
      description: 'What an INTERRUPTED run asks a person; null for all others.',
    }),
    resumes: t.exposeID('resumes', {
      nullable: true,
      description: 'The INTERRUPTED run that this one answers.',
    }),
    checkpoint: t.field({
      description: 'The latest state that a worker saved on the way; a new attempt goes on from it.',
      type: 'JSONObject',
      nullable: true,
      resolve: (run, _, context) =>
        readPayload(context, run.hasCheckpoint ? run.id : null, 'checkpoint', run.payloads),
    }),
    multitaskStrategy: t.expose('multitaskStrategy', {
      type: MultitaskStrategyEnum,
      description: 'What it does to the runs of its thread that are active when it is created.',
    }),
    attempt: t.exposeInt('attempt', {
      description: 'How often workers have begun it: 0 until the first one does.',
    }),
    maxAttempts: t.exposeInt('maxAttempts', { description: 'How often workers may begin it.' }),
    timeoutSeconds: t.exposeInt('timeoutSeconds', {
      nullable: true,
      description: 'Seconds from its start until it ends with TIMEOUT; null for as long as it takes.',
    }),
    assistantVersion: t.exposeInt('assistantVersion', {
      nullable: true,
      description: "The assistant's version that the latest attempt was given.",
    }),
    worker: t.exposeString('worker', {
      nullable: true,
      description: 'The worker that holds it; null while none does.',
    }),
    availableAt: t.expose('availableAt', {
      type: 'DateTime',
      nullable: true,
      description: 'No worker gets it before; null while one holds it, and once it has ended.',
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a worker, or an update, first set it RUNNING.',
    }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it ended.' }),
    cancelRequestedAt: t.expose('cancelRequestedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its cancellation was asked for.',
    }),
    metadata: t.expose('metadata', {
      type: 'JSONObject',
      description: "Caller-defined labels. The key `owner` always holds the caller's identity.",
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
});

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
  waitForRun: t.field({
    description:
      'A run once it has ended, or as it is after some seconds: 0 to 10. Null where there is none.',
    type: RunRef,
    nullable: true,
    args: {
      id: t.arg.id({ required: true, description: "The run's id." }),
      seconds: t.arg.int({ required: true, defaultValue: 10, description: 'How long to wait, 0 to 10.' }),
    },
    resolve: (_, { id, seconds }, context) => runOnceEnded(context, ownerOf(context), id, seconds),
  }),
}));

const CreateRunInput = builder.inputType('CreateRunInput', {
  description: 'A new run. It starts PENDING.',
  fields: (t) => ({
    threadId: t.id({ description: 'The thread to run on; a new one where it is left out.' }),
    assistantId: t.id({ required: true, description: 'The assistant to run.' }),
    metadata: t.field({ type: 'JSONObject', description: 'Labels, at most 64 KiB and 32 levels.' }),
    input: t.field({ type: 'JSONObject', description: 'What to work on: at most 512 KiB and 32 levels.' }),
    resumes: t.id({
      description:
        'The INTERRUPTED run of the thread that this one answers: CONFLICT unless it is the one that ended last, and nobody has answered.',
    }),
    multitaskStrategy: t.field({
      type: MultitaskStrategyEnum,
      required: true,
      defaultValue: 'ENQUEUE',
      description: 'What it does to the active runs of its thread.',
    }),
    delaySeconds: t.int({
      required: true,
      defaultValue: 0,
      description:
        'No worker gets it earlier: 0 to 2,592,000. Runs of the thread that may begin before it go first.',
    }),
    timeoutSeconds: t.int({ description: '1 to 604,800. Default: no limit.' }),
    maxAttempts: t.int({ required: true, defaultValue: 3, description: '1 to 100.' }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY }),
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
      andThen(
        context.stores.runs.create(ownerOf(context), { ...input, traceparent: context.traceparent }),
        creationPayload,
      ),
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
      context.changes.subscribe('run', ownerOf(context), (change, shown) =>
        changeEvent(
          change,
          (run) => (id == null || run.id === id) && (threadId == null || run.threadId === threadId),
          shown,
        ),
      ),
    resolve: (change) => change,
  }),
);
