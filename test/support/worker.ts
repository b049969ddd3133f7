import type { Owner } from '../../src/store/owner.ts';
import type { Claim, ClaimRequest, EndResult, FinishRequest, LeaseState } from '../../src/store/queue.ts';
import type { JsonObject, NewRun, Run } from '../../src/store/records.ts';
import type { Stores } from '../../src/store/stores.ts';
import { valueOf } from './bench.ts';
import { existing, makeAssistant, makeThread } from './records.ts';

/** What a worker asks for by default. */
export const CLAIM: ClaimRequest = {
  allOwners: false,
  name: 'worker',
  graphIds: ['graph'],
  max: 1,
  leaseSeconds: 30,
  waitSeconds: 0,
};

/** Runs that a worker is given. */
export async function claim(
  stores: Pick<Stores, 'queue'>,
  worker: Owner,
  request: Partial<ClaimRequest> = {},
): Promise<readonly Claim[]> {
  return valueOf(await stores.queue.claim(worker, { ...CLAIM, ...request }));
}

/** The ids of the runs that a worker is given, in order. Default: all there are. */
export async function claimIds(
  stores: Pick<Stores, 'queue'>,
  worker: Owner,
  request: Partial<ClaimRequest> = {},
): Promise<readonly string[]> {
  return (await claim(stores, worker, { max: 50, ...request })).map(({ run }) => run.id);
}

/** The run that a worker is given. */
export async function claimOne(
  stores: Pick<Stores, 'queue'>,
  worker: Owner,
  request: Partial<ClaimRequest> = {},
): Promise<Claim> {
  const [first] = await claim(stores, worker, request);
  return existing(first);
}

/** A new run with its claim. Nothing else may wait. */
export async function claimNew(
  stores: Stores,
  owner: Owner,
  input: Partial<NewRun> = {},
  request: Partial<ClaimRequest> = {},
): Promise<Claim> {
  const { id } = await enqueue(stores, owner, input);
  const given = await claimOne(stores, owner, request);
  if (given.run.id !== id) throw new Error('Another run was waiting.');
  return given;
}

/** A new run, on a thread and of an assistant of its own unless told. */
export async function enqueue(stores: Stores, owner: Owner, input: Partial<NewRun> = {}): Promise<Run> {
  const threadId = input.threadId ?? (await makeThread(stores, owner)).id;
  const assistantId = input.assistantId ?? (await makeAssistant(stores, owner)).id;
  return valueOf(await stores.runs.create(owner, { ...input, threadId, assistantId }));
}

/** The result of an end that is not refused. SUCCESS unless told. */
export async function finish(
  stores: Pick<Stores, 'queue'>,
  worker: Owner,
  lease: string,
  end: Partial<FinishRequest> = {},
): Promise<EndResult> {
  return valueOf(await stores.queue.finish(worker, { lease, status: 'SUCCESS', retry: false, ...end }));
}

/** The state of a lease after a renewal for 30 seconds. */
export async function heartbeat(
  stores: Pick<Stores, 'queue'>,
  worker: Owner,
  lease: string,
  times: { readonly leaseSeconds?: number; readonly waitSeconds?: number } = {},
): Promise<LeaseState> {
  const request = { leases: [lease], leaseSeconds: 30, waitSeconds: 0, ...times };
  return existing(valueOf(await stores.queue.heartbeat(worker, request))[0]);
}

/** The state of a lease after a checkpoint. */
export async function saveCheckpoint(
  stores: Pick<Stores, 'queue'>,
  worker: Owner,
  lease: string,
  values: JsonObject,
): Promise<LeaseState> {
  return valueOf(await stores.queue.checkpoint(worker, { lease, values }));
}

/** The state of a lease after events were appended. @param types those of the events, which have no data */
export async function append(
  stores: Pick<Stores, 'queue'>,
  worker: Owner,
  lease: string,
  offset: number,
  types: readonly string[],
): Promise<LeaseState> {
  const events = types.map((type) => ({ type, data: {} }));
  const { lease: state, refusals } = await stores.queue.appendEvents(worker, { lease, offset, events });
  if (refusals.length > 0) throw new Error(`Refused: ${refusals.map(({ message }) => message).join(' ')}`);
  return existing(state);
}

/** A lease that is not held. */
export function lost(lease: string): LeaseState {
  return { lease, held: false, leaseSeconds: 0, cancel: null, storedEvents: 0 };
}

/** A payload of a run, parsed. */
export async function payloadOf(
  { runs }: Pick<Stores, 'runs'>,
  owner: Owner,
  id: string,
  name: 'input' | 'output' | 'checkpoint',
): Promise<unknown> {
  const text = await runs.payload(owner, id, name);
  return text === null ? null : JSON.parse(text);
}

/** The values of a thread: the output of the run that they are of. */
export async function valuesOf(stores: Stores, owner: Owner, threadId: string): Promise<unknown> {
  const { valuesRunId } = existing(await stores.threads.get(owner, threadId));
  return valuesRunId === null ? null : payloadOf(stores, owner, valuesRunId, 'output');
}

/** The events of a run, as `seq attempt type` each. */
export async function eventsOf(
  { runs }: Pick<Stores, 'runs'>,
  owner: Owner,
  id: string,
): Promise<readonly string[]> {
  const page = existing(await runs.events(owner, id, { after: 0, limit: 100_000, maxBytes: 1e9 }));
  return page.events.map(({ seq, attempt, type }) => `${seq} ${attempt} ${type}`);
}
