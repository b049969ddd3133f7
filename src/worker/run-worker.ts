import { trackAvailability } from './availability.ts';
import { executeRun } from './execute-run.ts';
import { createExecutions } from './executions.ts';
import { graphqlClient } from './graphql-client.ts';
import { startHeartbeats } from './heartbeats.ts';
import type { ResolvedOptions } from './options.ts';
import { tokenSource } from './token-source.ts';
import { workerCalls } from './worker-calls.ts';

/** Seconds that a claim waits at the server for a run. An idle worker takes as long to drain. */
const WAIT_SECONDS = 4;
/** The most runs of one claim. */
const MAX_CLAIMS = 50;
/** Milliseconds in which handlers whose signal was aborted by a drain stop, and their runs are given back. */
const RELEASE_TIME = 5_000;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Claims and executes runs until `draining` is aborted, and then waits until they have ended.
 * @throws {CallError} when the server refuses to give out runs
 */
export async function runWorker(options: ResolvedOptions, draining: AbortController): Promise<void> {
  const { url, token, graphs, concurrency, name, leaseSeconds, drainSeconds, report } = options;
  const graphIds = Object.keys(graphs);
  const giveUp = new AbortController();
  const tokens = tokenSource(token);
  const availability = trackAvailability((message) =>
    report(message === null ? { type: 'AVAILABLE' } : { type: 'UNAVAILABLE', message }),
  );
  const calls = workerCalls(graphqlClient({ url, token: tokens, availability, giveUp: giveUp.signal }));
  const fixedToken = typeof token === 'string' ? token : null;
  const heartbeats = startHeartbeats({ url, leaseSeconds, fixedToken, tokens, availability });
  const executions = createExecutions();
  const timers: NodeJS.Timeout[] = [];
  const drain = (): void => draining.abort();

  function beginDrain(): void {
    report({ type: 'SHUTDOWN', runs: executions.size });
    releaseAfter(drainSeconds * 1_000);
  }

  function releaseAfter(milliseconds: number): void {
    timers.push(setTimeout(executions.release, milliseconds));
    timers.push(setTimeout(stopWaiting, milliseconds + RELEASE_TIME));
  }

  /** Neither for the server, nor for handlers that ignore their signal. */
  function stopWaiting(): void {
    giveUp.abort(new Error('The server was unavailable until the end of the drain.'));
    executions.forget();
  }

  async function claimRuns(): Promise<void> {
    const max = Math.min(concurrency - executions.size, MAX_CLAIMS);
    const request = { worker: name, graphIds, max, waitSeconds: WAIT_SECONDS, leaseSeconds };
    const claims = await calls.claim(request, draining.signal);
    // Before the first handler begins, which may block the event loop.
    heartbeats.add(claims.map(({ lease }) => lease));
    const released: Promise<void>[] = [];
    for (const claim of claims) {
      const handler = graphs[claim.graphId];
      // The claim was waiting when the drain began.
      if (draining.signal.aborted || handler === undefined) released.push(release(claim.lease));
      else executions.add(executeRun(claim, handler, { calls, heartbeats, report }));
    }
    // Where it fails, the leases end by themselves.
    await Promise.allSettled(released);
  }

  async function release(lease: string): Promise<void> {
    heartbeats.remove(lease);
    await calls.release(lease);
  }

  draining.signal.addEventListener('abort', beginDrain);
  if (options.handleSignals) for (const signal of SIGNALS) process.once(signal, drain);
  report({ type: 'STARTED', url, graphIds });
  try {
    while (!draining.signal.aborted) {
      if (executions.size < concurrency) await claimRuns();
      else await executions.next();
    }
  } catch (error) {
    // The server was unavailable when the drain began.
    if (draining.signal.aborted) return;
    // Without heartbeats, the runs would be given to others while they are executed here.
    releaseAfter(0);
    throw error;
  } finally {
    while (executions.size > 0) await executions.next();
    for (const timer of timers) clearTimeout(timer);
    for (const signal of SIGNALS) process.off(signal, drain);
    await heartbeats.stop();
  }
}
