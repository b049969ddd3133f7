import type { GraphQLClient } from './graphql-client.ts';
import { RequestError } from './request-error.ts';
import { pauseAfter, sleep } from './retry.ts';
import type { RunStatus } from './run.ts';

/** An event of a run. */
export interface RunEvent {
  readonly seq: number;
  readonly attempt: number;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** RFC 3339. */
  readonly at: string;
}

/** Events of a run that came together. */
export interface RunEventBatch {
  readonly events: readonly RunEvent[];
  readonly last: number;
  readonly status: RunStatus;
  readonly done: boolean;
}

const RUN_EVENTS = `subscription ($runId: ID!, $after: Int!) {
  runEvents(runId: $runId, after: $after) { events { seq attempt type data at } last status done }
}`;

/**
 * The events of a run from its first one on, each once and in order, until the run has ended. Where the connection breaks
 * off, it subscribes again after the last event that came. It ends without a batch that is `done` where the run is deleted.
 * @throws RequestError where the server refuses, or is unavailable for too long
 */
export async function* followRun(
  client: GraphQLClient,
  runId: string,
  signal: AbortSignal,
): AsyncGenerator<RunEventBatch, void, undefined> {
  let after = 0;
  let failures = 0;
  for (;;) {
    let isConnected = false;
    try {
      const batches = client.subscribe<{ readonly runEvents: RunEventBatch }>(
        RUN_EVENTS,
        { runId, after },
        signal,
      );
      for await (const { runEvents } of batches) {
        isConnected = true;
        failures = 0;
        after = runEvents.last;
        yield runEvents;
        if (runEvents.done) return;
      }
      return;
    } catch (error) {
      failures++;
      if (!canResume(error, isConnected && client.canRenewToken) || failures > client.maxRetries) throw error;
      await sleep(pauseAfter(failures, error), signal);
    }
  }
}

/** @param hasOtherToken whether the token may have expired, and another one is available */
function canResume(error: unknown, hasOtherToken: boolean): boolean {
  if (!(error instanceof RequestError)) return false;
  return error.isTemporary || (error.code === 'UNAUTHENTICATED' && hasOtherToken);
}
