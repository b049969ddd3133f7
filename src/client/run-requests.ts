import type { GraphQLClient } from './graphql-client.ts';
import { type Payload, resourceOf } from './payload.ts';
import type { FrontEndInput, RunEnd, RunOptions, RunRecord, RunRef } from './run.ts';

/** A run that is to be created. */
export interface NewRun {
  readonly threadId: string;
  readonly input: FrontEndInput;
  readonly resumes: string | null;
  /** The front end's id of the run, stored as `clientRunId` in its metadata. */
  readonly clientRunId: string;
  readonly idempotencyKey: string;
}

const CREATE_RUN = `mutation ($input: CreateRunInput!) {
  createRun(input: $input) { run { id threadId } userErrors { code message field } }
}`;

/**
 * Creates a run, once for each idempotency key.
 * @throws Refusal where the server accepts no such run
 */
export async function createRun(
  client: GraphQLClient,
  { assistantId, multitaskStrategy, timeoutSeconds, maxAttempts, toRunInput }: RunOptions,
  { threadId, input, resumes, clientRunId, idempotencyKey }: NewRun,
  signal: AbortSignal,
): Promise<RunRef> {
  const fields = {
    assistantId,
    threadId,
    input: toRunInput === undefined ? input : toRunInput(input),
    metadata: { clientRunId },
    idempotencyKey,
    ...(resumes !== null && { resumes }),
    ...(multitaskStrategy && { multitaskStrategy }),
    ...(timeoutSeconds && { timeoutSeconds }),
    ...(maxAttempts && { maxAttempts }),
  };
  const data = await client.request<{ readonly createRun: Payload<'run', RunRef> }>(
    CREATE_RUN,
    { input: fields },
    signal,
  );
  return resourceOf(data.createRun, 'run');
}

const CANCEL_RUN = `mutation ($input: CancelRunInput!) {
  cancelRun(input: $input) { userErrors { code } }
}`;

/** Requests the cancellation of a run. The run ends within 15 s; one that has ended stays as it is. */
export async function cancelRun(
  client: GraphQLClient,
  id: string,
  { cancelAction: action = 'INTERRUPT' }: RunOptions,
): Promise<void> {
  await client.request(CANCEL_RUN, { input: { id, action } }, new AbortController().signal);
}

const RUN_END = 'query ($id: ID!) { run(id: $id) { status output error { code message } interrupt } }';

/** How a run has ended; null where it is deleted. */
export async function readRunEnd(
  client: GraphQLClient,
  id: string,
  signal: AbortSignal,
): Promise<RunEnd | null> {
  return (await client.request<{ readonly run: RunEnd | null }>(RUN_END, { id }, signal)).run;
}

const LATEST_RUNS = `query ($threadId: ID!) {
  running: runs(first: 1, filter: { threadId: $threadId, status: RUNNING }) { nodes { ...run } }
  pending: runs(
    first: 1, filter: { threadId: $threadId, status: PENDING }, orderBy: { field: CREATED_AT, direction: ASC }
  ) { nodes { ...run } }
  latest: runs(first: 1, filter: { threadId: $threadId }) { nodes { ...run } }
}
fragment run on Run { id threadId status input metadata }`;

/** Which runs of a thread a front end may show. */
export interface LatestRuns {
  /** The one that is executed, or that is next. */
  readonly active: RunRecord | null;
  /** The one that was created last. */
  readonly latest: RunRecord | null;
}

/** The runs of a thread that a front end may show. */
export async function readLatestRuns(
  client: GraphQLClient,
  threadId: string,
  signal: AbortSignal,
): Promise<LatestRuns> {
  type Page = { readonly nodes: readonly RunRecord[] };
  const { running, pending, latest } = await client.request<Record<'running' | 'pending' | 'latest', Page>>(
    LATEST_RUNS,
    { threadId },
    signal,
  );
  return { active: running.nodes[0] ?? pending.nodes[0] ?? null, latest: latest.nodes[0] ?? null };
}

const INTERRUPTED_RUN = `query ($threadId: ID!) {
  runs(first: 1, filter: { threadId: $threadId, status: INTERRUPTED }) { nodes { id } }
}`;

/** The id of the run of a thread that was interrupted last; null where there is none. */
export async function readInterruptedRun(
  client: GraphQLClient,
  threadId: string,
  signal: AbortSignal,
): Promise<string | null> {
  const data = await client.request<{
    readonly runs: { readonly nodes: readonly { readonly id: string }[] };
  }>(INTERRUPTED_RUN, { threadId }, signal);
  return data.runs.nodes[0]?.id ?? null;
}
