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
/** Milliseconds between heartbeats for new leases: those that come meanwhile are renewed together. */
const GATHER_TIME = 250;
/** Seconds that a heartbeat waits at the server for a cancellation. */
const WAIT_SECONDS = 5;
const DOCUMENT =
  'mutation($input: HeartbeatRunsInput!) { heartbeatRuns(input: $input) { leases { held cancel } userErrors { message } } }';

const { url, leaseSeconds, token }: HeartbeatData = workerData;
/** The leases to renew, each with whether its cancellation has been reported. */
const leases = new Map<string, { isCancelled: boolean }>();
/** The leases that are too new for a heartbeat, oldest first, each with when it was added. */
const newLeases = new Map<string, number>();
let timer: NodeJS.Timeout | null = null;
let lastGathered = -Infinity;
/** Aborted when there are more leases than the waiting heartbeat has. */
let moreLeases = new AbortController();
/** Whether there are leases that no heartbeat has had yet. */
let hasMore = false;
let resolveToken: ((answer: Extract<ToHeartbeats, { type: 'token' | 'noToken' }>) => void) | null = null;

function post(message: FromHeartbeats): void {
  parentPort?.postMessage(message);
}

parentPort?.on('message', (message: ToHeartbeats) => {
  if (message.type === 'add') {
    const now = performance.now();
    for (const lease of message.leases) newLeases.set(lease, now);
    scheduleFirst();
  } else if (message.type === 'remove') {
    for (const lease of message.leases) {
      newLeases.delete(lease);
      leases.delete(lease);
    }
  } else {
    resolveToken?.(message);
  }
});

function scheduleFirst(): void {
  const [oldest] = newLeases.values();
  if (timer !== null || oldest === undefined) return;
  const at = Math.max(oldest + FIRST_HEARTBEAT, lastGathered + GATHER_TIME);
  timer = setTimeout(startRenewing, at - performance.now());
}

/** Begins to renew the leases that are old enough. */
function startRenewing(): void {
  timer = null;
  // A millisecond more, since timers may be that early.
  const now = performance.now() + 1;
  for (const [lease, addedAt] of newLeases) {
    if (now - addedAt < FIRST_HEARTBEAT) break;
    newLeases.delete(lease);
    leases.set(lease, { isCancelled: false });
    hasMore = true;
  }
  if (hasMore) {
    lastGathered = now;
    moreLeases.abort();
  }
  scheduleFirst();
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
  availability: trackAvailability((message, at) =>
    post(message === null ? { type: 'available', began: at } : { type: 'unavailable', message }),
  ),
  giveUp: new AbortController().signal,
});

/**
 * Renews all leases, and waits for a cancellation or a loss. With new leases it does not wait, and is not aborted either:
 * otherwise no answer would be read while new leases come all the time.
 */
async function renew(signal: AbortSignal): Promise<void> {
  const ids = [...leases.keys()];
  const isFirst = hasMore;
  hasMore = false;
  // The server answers at once while a cancelled run is held.
  const isCancelling = [...leases.values()].some(({ isCancelled }) => isCancelled);
  const wait = !isFirst && !isCancelling;
  const input = { leases: ids, leaseSeconds, waitSeconds: wait ? WAIT_SECONDS : 0 };
  const data = await client.send(DOCUMENT, JSON.stringify({ input }), wait ? { signal } : {});
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
  if (isCancelling) await delay(GATHER_TIME);
}

async function renewForEver(): Promise<never> {
  for (;;) {
    moreLeases = new AbortController();
    const { signal } = moreLeases;
    if (leases.size === 0) {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
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
