import { SUBJECT } from '../lib/field-extensions.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Outcome } from '../store/outcome.ts';
import type { AppendOutcome, AppendRequest, EndResult, LeaseState } from '../store/queue.ts';
import { claimOrWait, heartbeatOrWait } from '../subscriptions/waiting-calls.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { ownerOf } from './owner-of.ts';
import { userErrorsOf } from './payload.ts';
import {
  AppendRunEventsInput,
  CheckpointRunInput,
  ClaimRunsInput,
  FinishRunInput,
  HeartbeatRunsInput,
  ReleaseRunsInput,
} from './worker-inputs.ts';
import {
  AppendRunEventsPayload,
  CheckpointRunPayload,
  ClaimRunsPayload,
  FinishRunPayload,
  HeartbeatRunsPayload,
  ReleaseRunsPayload,
} from './worker-payloads.ts';

const INPUT = ['input'];
/** Calls about different runs are independent: ten runs that a worker ends in one request are stored together. */
const ABOUT_LEASE = { [SUBJECT]: 'lease' };

function leasesPayload(outcome: Outcome<readonly LeaseState[]>) {
  if ('value' in outcome) return { leases: outcome.value, userErrors: [] };
  return { leases: [], userErrors: userErrorsOf(outcome.refusals, INPUT) };
}

function finishPayload(outcome: Outcome<EndResult>) {
  if ('value' in outcome) return { ...outcome.value, userErrors: [] };
  return { accepted: false, status: null, userErrors: userErrorsOf(outcome.refusals, INPUT) };
}

/** The graphs whose runs a caller may claim, of those that it names. */
function allowedGraphs({ identity }: Context, graphIds: readonly string[]): readonly string[] {
  const graphs = identity?.worker?.graphs ?? null;
  return graphs === null ? graphIds : graphIds.filter((graphId) => graphs.includes(graphId));
}

function appendEvents(context: Context, input: AppendRequest): MaybePromise<AppendOutcome> {
  const { stores, eventRateLimiter } = context;
  const worker = ownerOf(context);
  return andThen(stores.queue.runOf(worker, input.lease), (ref) => {
    if (ref !== null) eventRateLimiter.acquire(ref.owner, ref.runId, input.events.length);
    return stores.queue.appendEvents(worker, input);
  });
}

builder.mutationFields((t) => ({
  claimRuns: t.field({
    description:
      "For workers: takes runs to execute, and waits for some where there are none. A worker's token gets every owner's runs, any other the caller's own.",
    type: ClaimRunsPayload,
    args: { input: t.arg({ type: ClaimRunsInput, required: true, description: 'Which runs.' }) },
    resolve(_, { input: { worker: name, graphIds, max, leaseSeconds, waitSeconds } }, context) {
      const worker = ownerOf(context);
      const allOwners = context.identity?.worker != null;
      // A spread would give each object a shape of its own, of 240 bytes.
      const request = {
        name,
        allOwners,
        graphIds: allowedGraphs(context, graphIds),
        max,
        leaseSeconds,
        waitSeconds,
      };
      return andThen(claimOrWait(context, worker, request), (outcome) =>
        'value' in outcome
          ? { claims: outcome.value, userErrors: [] }
          : { claims: [], userErrors: userErrorsOf(outcome.refusals, INPUT) },
      );
    },
  }),
  heartbeatRuns: t.field({
    description: 'For workers: keeps runs from being given to others, and tells which are to be cancelled.',
    type: HeartbeatRunsPayload,
    args: { input: t.arg({ type: HeartbeatRunsInput, required: true, description: 'Which leases.' }) },
    resolve: (_, { input }, context) =>
      andThen(heartbeatOrWait(context, ownerOf(context), input), leasesPayload),
  }),
  appendRunEvents: t.field({
    description: 'For workers: adds events to a run, each once.',
    type: AppendRunEventsPayload,
    extensions: ABOUT_LEASE,
    args: { input: t.arg({ type: AppendRunEventsInput, required: true, description: 'The events.' }) },
    resolve: (_, { input }, context) =>
      andThen(appendEvents(context, input), ({ lease, refusals }) => {
        return { lease, userErrors: userErrorsOf(refusals, INPUT) };
      }),
  }),
  checkpointRun: t.field({
    description: 'For workers: saves the state that a new attempt would go on from.',
    type: CheckpointRunPayload,
    extensions: ABOUT_LEASE,
    args: { input: t.arg({ type: CheckpointRunInput, required: true, description: 'The state.' }) },
    resolve: (_, { input }, context) =>
      andThen(context.stores.queue.checkpoint(ownerOf(context), input), (outcome) =>
        'value' in outcome
          ? { lease: outcome.value, userErrors: [] }
          : { lease: null, userErrors: userErrorsOf(outcome.refusals, INPUT) },
      ),
  }),
  finishRun: t.field({
    description: 'For workers: ends a run, or gives it back to be tried again.',
    type: FinishRunPayload,
    extensions: ABOUT_LEASE,
    args: { input: t.arg({ type: FinishRunInput, required: true, description: 'How the attempt ends.' }) },
    resolve: (_, { input }, context) =>
      andThen(context.stores.queue.finish(ownerOf(context), input), finishPayload),
  }),
  releaseRuns: t.field({
    description: 'For workers: gives runs back at once, without counting the attempt.',
    type: ReleaseRunsPayload,
    args: { input: t.arg({ type: ReleaseRunsInput, required: true, description: 'Which leases.' }) },
    resolve: (_, { input: { leases } }, context) =>
      andThen(context.stores.queue.release(ownerOf(context), leases), (states) => {
        return { leases: states, userErrors: [] };
      }),
  }),
}));
