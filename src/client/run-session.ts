import type { AgUiEvent } from './event-types.ts';
import { followRun } from './follow-run.ts';
import type { GraphQLClient } from './graphql-client.ts';
import { cancelRun, readRunEnd } from './run-requests.ts';
import { createRunToAgUi, type RunToAgUiOptions } from './run-to-ag-ui.ts';
import type { RunOptions, RunRef } from './run.ts';

/** Follows a run to its end, as AG-UI events. @throws RequestError */
export async function* followAsAgUi(
  client: GraphQLClient,
  run: RunRef,
  options: RunToAgUiOptions,
  signal: AbortSignal,
): AsyncGenerator<AgUiEvent, void, undefined> {
  const toAgUi = createRunToAgUi(run, options);
  for await (const { events } of followRun(client, run.id, signal)) {
    for (const event of events) yield* toAgUi.map(event);
  }
  yield* toAgUi.end(await readRunEnd(client, run.id, signal));
}

/** A run that a front end follows, and may cancel. */
export interface RunSession {
  /** Aborted when the front end goes away, or when the run could not be cancelled. */
  readonly signal: AbortSignal;
  /** Cancels the run, as soon as it is known. */
  stop(): void;
  /** Stops following. The run continues. */
  leave(): void;
  /** Sets the run. It is cancelled at once where `stop` was called before. */
  setRun(run: RunRef): void;
}

/** Creates the session of a run that is not known yet. */
export function createRunSession(client: GraphQLClient, options: RunOptions): RunSession {
  const leaving = new AbortController();
  let run: RunRef | null = null;
  let isStopped = false;
  let isCancelled = false;

  function cancelOnce(): void {
    if (!isStopped || run === null || isCancelled) return;
    isCancelled = true;
    // A run that cannot be cancelled continues; whoever follows it gets the error.
    cancelRun(client, run.id, options).catch((error: unknown) => leaving.abort(error));
  }

  return {
    signal: leaving.signal,
    stop() {
      isStopped = true;
      cancelOnce();
    },
    leave: () => leaving.abort(),
    setRun(known) {
      run = known;
      cancelOnce();
    },
  };
}
