import type { Claim, LeaseState } from '../store/queue.ts';
import type { RunStatus } from '../store/records.ts';
import { builder } from './builder.ts';
import { type UserError, UserErrorRef } from './payload.ts';
import { jsonOf } from './run-payload.ts';
import { CancelActionEnum, RunStatusEnum } from './run-enums.ts';

const ERRORS = 'What went wrong; empty on success.';

const ClaimRef = builder.objectRef<Claim>('Claim').implement({
  description: 'A run that a worker holds, with all that it needs to execute it.',
  fields: (t) => ({
    lease: t.exposeString('lease', {
      description: 'Opaque: the worker shows it in every later call about this attempt.',
    }),
    leaseSeconds: t.exposeInt('leaseSeconds', {
      description: 'Seconds from the answer until the lease ends, unless it is renewed.',
    }),
    owner: t.exposeString('owner', { description: "The run's owner." }),
    runId: t.id({ description: "The run's id.", resolve: ({ run }) => run.id }),
    threadId: t.id({ description: "The thread's id.", resolve: ({ run }) => run.threadId }),
    assistantId: t.id({ description: "The assistant's id.", resolve: ({ run }) => run.assistantId }),
    assistantVersion: t.int({
      description: "The assistant's version.",
      resolve: ({ assistant }) => assistant.version,
    }),
    graphId: t.string({ description: "The assistant's.", resolve: ({ assistant }) => assistant.graphId }),
    attempt: t.int({ description: '1 for the first.', resolve: ({ run }) => run.attempt }),
    config: t.field({
      type: 'JSONObject',
      description: "The assistant's.",
      resolve: ({ assistant }) => assistant.config,
    }),
    context: t.field({
      type: 'JSONObject',
      description: "The assistant's.",
      resolve: ({ assistant }) => assistant.context,
    }),
    input: t.field({
      type: 'JSONObject',
      nullable: true,
      description: "The run's.",
      resolve: ({ input }) => jsonOf(input),
    }),
    values: t.field({
      type: 'JSONObject',
      nullable: true,
      description: "The thread's.",
      resolve: ({ values }) => jsonOf(values),
    }),
    checkpoint: t.field({
      type: 'JSONObject',
      nullable: true,
      description: 'What the attempt before this one saved last.',
      resolve: ({ checkpoint }) => jsonOf(checkpoint),
    }),
    resumes: t.id({
      nullable: true,
      description: 'The run that this one answers.',
      resolve: ({ run }) => run.resumes,
    }),
    metadata: t.field({
      type: 'JSONObject',
      description: "The run's.",
      resolve: ({ run }) => run.metadata,
    }),
    traceparent: t.string({
      nullable: true,
      description:
        'The trace of the request that created the run, for the worker to continue: a W3C `traceparent`. Null where it was not traced.',
      resolve: ({ run }) => run.traceparent,
    }),
    secondsLeft: t.exposeInt('secondsLeft', {
      nullable: true,
      description: 'Until the run ends with TIMEOUT; null for as long as it takes.',
    }),
  }),
});

const LeaseStateRef = builder.objectRef<LeaseState>('LeaseState').implement({
  description: 'How a lease stands after a call.',
  fields: (t) => ({
    lease: t.exposeString('lease', { description: 'The lease.' }),
    held: t.exposeBoolean('held', {
      description:
        "Whether the run is still the worker's. Once false, nothing that it sends is stored: it stops.",
    }),
    leaseSeconds: t.exposeInt('leaseSeconds', {
      description: 'Seconds until the lease ends; 0 where it is not held.',
    }),
    cancel: t.expose('cancel', {
      type: CancelActionEnum,
      nullable: true,
      description: 'The worker is to stop, and finish the run with CANCELLED; null where it may go on.',
    }),
    storedEvents: t.exposeInt('storedEvents', {
      description: 'How many of the events sent since the claim are stored.',
    }),
  }),
});

interface WithUserErrors {
  readonly userErrors: readonly UserError[];
}

/** The result of claimRuns. */
export const ClaimRunsPayload = builder
  .objectRef<WithUserErrors & { readonly claims: readonly Claim[] }>('ClaimRunsPayload')
  .implement({
    description: 'The result of claimRuns.',
    fields: (t) => ({
      claims: t.expose('claims', {
        type: [ClaimRef],
        description: 'Empty where there was nothing to do.',
      }),
      userErrors: t.expose('userErrors', { type: [UserErrorRef], description: ERRORS }),
    }),
  });

function defineLeases(name: string, mutation: string, description: string) {
  return builder.objectRef<WithUserErrors & { readonly leases: readonly LeaseState[] }>(name).implement({
    description: `The result of ${mutation}.`,
    fields: (t) => ({
      leases: t.expose('leases', { type: [LeaseStateRef], description }),
      userErrors: t.expose('userErrors', { type: [UserErrorRef], description: ERRORS }),
    }),
  });
}

function defineLease(name: string, mutation: string) {
  return builder.objectRef<WithUserErrors & { readonly lease: LeaseState | null }>(name).implement({
    description: `The result of ${mutation}.`,
    fields: (t) => ({
      lease: t.expose('lease', {
        type: LeaseStateRef,
        nullable: true,
        description: 'The status of the lease; null where the input was refused.',
      }),
      userErrors: t.expose('userErrors', { type: [UserErrorRef], description: ERRORS }),
    }),
  });
}

/** The result of heartbeatRuns. */
export const HeartbeatRunsPayload = defineLeases(
  'HeartbeatRunsPayload',
  'heartbeatRuns',
  'In the order asked for.',
);
/** The result of releaseRuns. */
export const ReleaseRunsPayload = defineLeases(
  'ReleaseRunsPayload',
  'releaseRuns',
  'In the order asked for.',
);
/** The result of appendRunEvents. */
export const AppendRunEventsPayload = defineLease('AppendRunEventsPayload', 'appendRunEvents');
/** The result of checkpointRun. */
export const CheckpointRunPayload = defineLease('CheckpointRunPayload', 'checkpointRun');

/** The result of finishRun. */
export const FinishRunPayload = builder
  .objectRef<WithUserErrors & { readonly accepted: boolean; readonly status: RunStatus | null }>(
    'FinishRunPayload',
  )
  .implement({
    description: 'The result of finishRun.',
    fields: (t) => ({
      accepted: t.exposeBoolean('accepted', {
        description: "Whether this attempt's end is what is stored: true again for the same call sent twice.",
      }),
      status: t.expose('status', {
        type: RunStatusEnum,
        nullable: true,
        description: "How the run stands now; null where it is not the worker's to know.",
      }),
      userErrors: t.expose('userErrors', { type: [UserErrorRef], description: ERRORS }),
    }),
  });
