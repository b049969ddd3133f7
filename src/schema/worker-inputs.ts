import { builder } from './builder.ts';
import { RunStatusEnum } from './run-enums.ts';

/** The input of claimRuns. */
export const ClaimRunsInput = builder.inputType('ClaimRunsInput', {
  description: 'Which runs a worker claims.',
  fields: (t) => ({
    worker: t.string({
      required: true,
      description: "The worker's name, shown as the run's `worker`: not blank, at most 256 characters.",
    }),
    graphIds: t.stringList({
      required: true,
      description: 'Only runs of assistants with one of these graphs; 100 at most.',
    }),
    max: t.int({
      required: true,
      defaultValue: 1,
      description:
        'How many at most: 1 to 50. Fewer are given where their `input`, `values` and `checkpoint` reach 4 MiB together: ' +
        'the others wait for the next call.',
    }),
    waitSeconds: t.int({
      required: true,
      defaultValue: 10,
      description: 'How long to wait for the first one: 0 to 10.',
    }),
    leaseSeconds: t.int({
      required: true,
      defaultValue: 30,
      description: "How long the runs are the worker's without a sign of life: 5 to 300.",
    }),
  }),
});

/** The input of heartbeatRuns. */
export const HeartbeatRunsInput = builder.inputType('HeartbeatRunsInput', {
  description: 'Which leases to renew.',
  fields: (t) => ({
    leases: t.stringList({ required: true, description: '100 at most.' }),
    leaseSeconds: t.int({
      required: true,
      defaultValue: 30,
      description: 'Seconds until they end: 5 to 300.',
    }),
    waitSeconds: t.int({
      required: true,
      defaultValue: 0,
      description:
        'Renews at once, and answers as soon as one is to be cancelled or is lost, or after these seconds: 0 to 10.',
    }),
  }),
});

const RunEventInput = builder.inputType('RunEventInput', {
  description: 'Something that happened in a run.',
  fields: (t) => ({
    type: t.string({ required: true, description: '1 to 64 characters.' }),
    // Without a default value in the schema: graphql-js cannot print that of a JSON object.
    data: t.field({
      type: 'JSONObject',
      description: 'At most 64 KiB and 32 levels. Default: `{}`. It cannot be null.',
    }),
  }),
});

/** The input of appendRunEvents. */
export const AppendRunEventsInput = builder.inputType('AppendRunEventsInput', {
  description: 'Events to add to a run.',
  fields: (t) => ({
    lease: t.string({ required: true, description: 'The lease of the run.' }),
    offset: t.int({
      required: true,
      description:
        'How many events the worker has sent since it claimed the run: what is stored already is passed over, a gap is a CONFLICT.',
    }),
    events: t.field({ type: [RunEventInput], required: true, description: '100 at most, and 512 KiB.' }),
  }),
});

/** The input of checkpointRun. */
export const CheckpointRunInput = builder.inputType('CheckpointRunInput', {
  description: 'The state to save.',
  fields: (t) => ({
    lease: t.string({ required: true, description: 'The lease of the run.' }),
    values: t.field({ type: 'JSONObject', required: true, description: 'At most 512 KiB and 32 levels.' }),
  }),
});

const RunErrorInput = builder.inputType('RunErrorInput', {
  description: 'Why a run failed.',
  fields: (t) => ({
    code: t.string({ required: true, description: 'Not blank, at most 64 characters.' }),
    message: t.string({ required: true, description: 'At most 4,096 characters.' }),
    details: t.field({ type: 'JSONObject', description: 'At most 64 KiB and 32 levels.' }),
  }),
});

/** The input of finishRun. */
export const FinishRunInput = builder.inputType('FinishRunInput', {
  description: 'How an attempt ends.',
  fields: (t) => ({
    lease: t.string({ required: true, description: 'The lease of the run.' }),
    status: t.field({
      type: RunStatusEnum,
      required: true,
      description: 'SUCCESS, ERROR, TIMEOUT, INTERRUPTED or CANCELLED.',
    }),
    output: t.field({
      type: 'JSONObject',
      description:
        "With SUCCESS or INTERRUPTED: the thread's values from now on; its checkpoint where it is left out. At most 512 KiB and 32 levels.",
    }),
    error: t.field({ type: RunErrorInput, description: 'With ERROR or TIMEOUT.' }),
    interrupt: t.field({ type: 'JSONObject', description: 'With INTERRUPTED: what a person is asked.' }),
    retry: t.boolean({
      required: true,
      defaultValue: false,
      description: 'With ERROR: whether the run may be tried again, while it has attempts left.',
    }),
    retryAfterSeconds: t.int({
      description: 'With `retry`: the earliest next attempt. Default: 1, 2, 4 … 60, longer each time.',
    }),
  }),
});

/** The input of releaseRuns. */
export const ReleaseRunsInput = builder.inputType('ReleaseRunsInput', {
  description: 'Which runs to return to the queue.',
  fields: (t) => ({ leases: t.stringList({ required: true, description: '100 at most.' }) }),
});
