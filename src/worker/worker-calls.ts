import { batchCalls } from './batch-calls.ts';
import { CallError } from './call-error.ts';
import type { Claim, JsonObject } from './claimed-run.ts';
import type { GraphQLClient } from './graphql-client.ts';
import { arrayOf, objectOf, textOf } from './response-value.ts';

const CLAIM_RUNS = `mutation($input: ClaimRunsInput!) { claimRuns(input: $input) { claims { lease owner runId threadId assistantId assistantVersion graphId attempt config context input values
  checkpoint resumes metadata secondsLeft traceparent } userErrors { code message } } }`;
const LEASE = 'held cancel';

/** The state of a lease after a call. */
export interface LeaseState {
  readonly held: boolean;
  /** Whether the run is to be cancelled. */
  readonly cancelled: boolean;
}

/** A refusal of an input, with its path. */
export interface CallRefusal {
  readonly code: string;
  readonly message: string;
}

/** The result of a call about a lease: its state, or why nothing was stored. */
export type LeaseResult = LeaseState | { readonly refusal: CallRefusal };

/** The result of `finishRun`. */
export type FinishResult =
  { readonly accepted: boolean; readonly status: string | null } | { readonly refusal: CallRefusal };

interface ClaimInput {
  readonly worker: string;
  readonly graphIds: readonly string[];
  readonly max: number;
  readonly waitSeconds: number;
  readonly leaseSeconds: number;
}

/** The mutations that a worker calls. Each is sent until it is answered; @throws CallError when it is refused. */
export interface WorkerCalls {
  /**
   * @param giveUp ends the attempts to reach the server, but not a claim that waits: its runs would be lost until their
   * leases end
   */
  claim(input: ClaimInput, giveUp: AbortSignal): Promise<readonly Claim[]>;
  /** @param events each as JSON */
  append(lease: string, offset: number, events: readonly string[]): Promise<LeaseResult>;
  /** @param values as JSON */
  checkpoint(lease: string, values: string): Promise<LeaseResult>;
  finish(lease: string, end: JsonObject): Promise<FinishResult>;
  release(lease: string): Promise<void>;
}

/** The mutations that a worker calls, over a client. */
export function workerCalls(client: GraphQLClient): WorkerCalls {
  const lease = { selection: `lease { ${LEASE} }`, read: readLeaseResult };
  const appendRunEvents = batchCalls(client, { field: 'appendRunEvents', ...lease });
  const checkpointRun = batchCalls(client, { field: 'checkpointRun', ...lease });
  const finishRun = batchCalls(client, {
    field: 'finishRun',
    selection: 'accepted status',
    read(payload): FinishResult {
      const refusal = refusalOf(payload);
      if (refusal !== null) return { refusal };
      const { accepted, status } = payload;
      return { accepted: accepted === true, status: typeof status === 'string' ? status : null };
    },
  });
  const releaseRuns = batchCalls(client, {
    field: 'releaseRuns',
    selection: 'leases { held }',
    read: () => {},
  });

  return {
    async claim(input, giveUp) {
      const data = await client.send(CLAIM_RUNS, JSON.stringify({ input }), { giveUp });
      const payload = objectOf(data['claimRuns']);
      const refusal = refusalOf(payload);
      if (refusal !== null) throw new CallError(refusal.message);
      return arrayOf(payload['claims']).map(readClaim);
    },
    append: (id, offset, events) =>
      appendRunEvents(`{"lease":${JSON.stringify(id)},"offset":${offset},"events":[${events.join(',')}]}`),
    checkpoint: (id, values) => checkpointRun(`{"lease":${JSON.stringify(id)},"values":${values}}`),
    finish: (id, end) => finishRun(JSON.stringify({ lease: id, ...end })),
    release: (id) => releaseRuns(JSON.stringify({ leases: [id] })),
  };
}

/** Reads a `LeaseState`. */
export function readLease(value: unknown): LeaseState {
  const { held, cancel } = objectOf(value);
  return { held: held === true, cancelled: typeof cancel === 'string' };
}

function readLeaseResult(payload: JsonObject): LeaseResult {
  const refusal = refusalOf(payload);
  return refusal === null ? readLease(payload['lease']) : { refusal };
}

function refusalOf({ userErrors }: JsonObject): CallRefusal | null {
  const [error] = arrayOf(userErrors);
  if (error === undefined) return null;
  const { code, message } = objectOf(error);
  return { code: textOf(code), message: textOf(message) };
}

function readClaim(value: unknown): Claim {
  const claim = objectOf(value);
  const text = (key: string) => textOf(claim[key]);
  const object = (key: string) => objectOf(claim[key]);
  const payload = (key: string) => (claim[key] === null ? null : object(key));
  const textOrNull = (key: string) => (claim[key] === null ? null : text(key));
  const { secondsLeft, attempt, assistantVersion } = claim;
  return {
    lease: text('lease'),
    owner: text('owner'),
    id: text('runId'),
    threadId: text('threadId'),
    assistantId: text('assistantId'),
    assistantVersion: Number(assistantVersion),
    graphId: text('graphId'),
    attempt: Number(attempt),
    config: object('config'),
    context: object('context'),
    input: payload('input'),
    values: payload('values'),
    checkpoint: payload('checkpoint'),
    resumes: textOrNull('resumes'),
    metadata: object('metadata'),
    secondsLeft: typeof secondsLeft === 'number' ? secondsLeft : null,
    traceparent: textOrNull('traceparent'),
  };
}
