import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../lib/error-message.ts';
import { trackAvailability } from './availability.ts';
import { graphqlClient } from './graphql-client.ts';
import type { FromHeartbeats, HeartbeatData, ToHeartbeats } from './heartbeat-messages.ts';
import { arrayOf, objectOf } from './response-value.ts';
import { type TokenSource, tokenSource } from './token-source.ts';
import { readLease } from './worker-calls.ts';

/** Milliseconds until a lease is renewed for the first time. Shorter runs need no heartbeat. */
const FIRST_HEARTBEAT = 250;
/** Seconds that a heartbeat waits at the server for a cancellation. */
const WAIT_SECONDS = 5;
const DOCUMENT =
  'mutation($input: HeartbeatRunsInput!) { heartbeatRuns(input: $input) { leases { held cancel } userErrors { message } } }';

const { url, leaseSeconds, token }: HeartbeatData = workerData;
/** The leases to renew, each with whether its cancellation has been told. */
const leases = new Map<string, { isCancelled: boolean }>();
/** Leases that are too new for a heartbeat. */
const newLeases = new Set<string>();
/** Aborted when there are more leases than the waiting heartbeat has. */
let moreLeases = new AbortController();
let resolveToken: ((answer: Extract<ToHeartbeats, { type: 'token' | 'noToken' }>) => void) | null = null;

function post(message: FromHeartbeats): void {
  parentPort?.postMessage(message);
}

parentPort?.on('message', (message: ToHeartbeats) => {
  if (message.type === 'add') {
    for (const lease of message.leases) newLeases.add(lease);
    setTimeout(startRenewing, FIRST_HEARTBEAT, message.leases);
  } else if (message.type === 'remove') {
    for (const lease of message.leases) {
      newLeases.delete(lease);
      leases.delete(lease);
    }
  } else {
    resolveToken?.(message);
  }
});

/** @param claimed leases of one claim, of which some may have ended */
function startRenewing(claimed: readonly string[]): void {
  const held = claimed.filter((lease) => newLeases.delete(lease));
  if (held.length === 0) return;
  for (const lease of held) leases.set(lease, { isCancelled: false });
  moreLeases.abort();
}

/** Gets tokens from the main thread. */
function tokensOfMainThread(): TokenSource {
  let refusedToken: string | null = null;
  const source = tokenSource(async () => {
    const answer = await new Promise<Extract<ToHeartbeats, { type: 'token' | 'noToken' }>>((resolve) => {
      resolveToken = resolve;
      post({ type: 'needsToken', refused: refusedToken });
    });
    if (answer.type === 'noToken') throw new Error(answer.message);
    return answer.token;
  });
  return {
    get: () => source.get(),
    refused(refused) {
      refusedToken = refused;
      return source.refused(refused);
    },
  };
}

const client = graphqlClient({
  url,
  token: token === null ? tokensOfMainThread() : tokenSource(token),
  availability: trackAvailability((message) =>
    post(message === null ? { type: 'available' } : { type: 'unavailable', message }),
  ),
  giveUp: new AbortController().signal,
});

/** Renews all leases, and waits for a cancellation or a loss. */
async function renew(signal: AbortSignal): Promise<void> {
  const ids = [...leases.keys()];
  // The server answers at once while a cancelled run is held.
  const wait = [...leases.values()].every(({ isCancelled }) => !isCancelled);
  const input = { leases: ids, leaseSeconds, waitSeconds: wait ? WAIT_SECONDS : 0 };
  const data = await client.send(DOCUMENT, JSON.stringify({ input }), { signal });
  const states = arrayOf(objectOf(data['heartbeatRuns'])['leases']).map(readLease);
  for (const [index, { held, cancelled }] of states.entries()) {
    const lease = ids[index] ?? '';
    const known = leases.get(lease);
    if (known === undefined) continue;
    if (!held) {
      leases.delete(lease);
      post({ type: 'lost', lease });
    } else if (cancelled && !known.isCancelled) {
      known.isCancelled = true;
      post({ type: 'cancelled', lease });
    }
  }
  if (!wait) await delay(FIRST_HEARTBEAT);
}

async function renewForEver(): Promise<never> {
  for (;;) {
    moreLeases = new AbortController();
    const { signal } = moreLeases;
    if (leases.size === 0) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      continue;
    }
    try {
      await renew(signal);
    } catch (error) {
      if (signal.aborted) continue;
      // The main thread's calls are refused too, and the worker says so.
      post({ type: 'unavailable', message: errorMessage(error) });
      await delay(1_000);
    }
  }
}

await renewForEver();
