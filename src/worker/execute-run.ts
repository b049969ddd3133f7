import { setMaxListeners } from 'node:events';
import { errorMessage } from '../lib/error-message.ts';
import { isObject } from '../lib/is-object.ts';
import { MAX_JSON_BYTES, MAX_PAYLOAD_BYTES } from '../store/rules/json.ts';
import { TEXT_RULES } from '../store/rules/text.ts';
import { CallError } from './call-error.ts';
import type { Claim, ClaimedRun, JsonObject, RunHandler } from './claimed-run.ts';
import { createEventSender } from './event-sender.ts';
import type { Heartbeats } from './heartbeats.ts';
import { jsonTextOf } from './json-text.ts';
import type { WorkerReport } from './report.ts';
import { type AbortReason, RunAborted } from './run-aborted.ts';
import { RunFailure } from './run-failure.ts';
import { RunInterrupted } from './run-interrupted.ts';
import type { FinishResult, LeaseState, WorkerCalls } from './worker-calls.ts';

interface Options {
  readonly calls: WorkerCalls;
  readonly heartbeats: Heartbeats;
  readonly report: (report: WorkerReport) => void;
}

/** An attempt that is executed. */
export interface Execution {
  /** Resolves once the attempt has ended. It never rejects. */
  readonly ended: Promise<void>;
  /** Stops the handler, and gives the run back once it has stopped. A handler that has ended already ends the run. */
  release(): void;
}

/** Executes a claimed run by the handler of its graph, and ends it. */
export function executeRun(
  claim: Claim,
  handler: RunHandler,
  { calls, heartbeats, report }: Options,
): Execution {
  const { lease, ...fields } = claim;
  const about = { runId: claim.id, graphId: claim.graphId, attempt: claim.attempt };
  const controller = new AbortController();
  // What a handler calls adds listeners: hundreds of them are no leak.
  setMaxListeners(0, controller.signal);
  let aborted: AbortReason | null = null;
  let hasEnded = false;
  let isEnding = false;
  let saves: Promise<void> = Promise.resolve();
  let interrupted: { readonly interrupt: JsonObject; readonly output?: JsonObject } | null = null;

  function abort(reason: AbortReason): void {
    // Once the end is stored, heartbeats call the lease lost.
    if (isEnding || aborted === 'LOST' || aborted === reason) return;
    // A cancelled run is not executed elsewhere.
    if (aborted === 'CANCELLED' && reason === 'RELEASED') return;
    aborted = reason;
    if (reason === 'LOST') events.stop();
    controller.abort(new RunAborted(reason));
  }

  function check({ held, cancelled }: LeaseState): void {
    if (!held) abort('LOST');
    else if (cancelled) abort('CANCELLED');
  }

  const events = createEventSender({
    async append(offset, batch) {
      const result = await calls.append(lease, offset, batch).catch((error: unknown) => {
        if (error instanceof CallError) return refusedCall(error);
        // The server stayed away until the end of the drain: without these events, the run cannot end.
        return { held: false, cancelled: false };
      });
      if (!('refusal' in result)) check(result);
      return result;
    },
    onRefused: ({ message }) => report({ type: 'EVENTS_REFUSED', message, ...about }),
  });

  /** Saves one after the other, so that the last one is kept also where a handler does not wait for them. */
  async function save(values: JsonObject): Promise<void> {
    const text = jsonTextOf('values', values, MAX_PAYLOAD_BYTES);
    if (hasEnded) throw new RunAborted('LOST');
    const saved = saves.then(() => saveText(text));
    saves = saved.catch(() => {});
    await saved;
  }

  async function saveText(text: string): Promise<void> {
    await events.flush();
    if (aborted === 'LOST') throw new RunAborted('LOST');
    const result = await calls.checkpoint(lease, text);
    if ('refusal' in result) throw new TypeError(result.refusal.message);
    check(result);
    if (!result.held) throw new RunAborted('LOST');
  }

  const run: ClaimedRun = {
    ...fields,
    signal: controller.signal,
    emit: (type, data = {}) => events.emit(type, data),
    save,
    interrupt(question, output) {
      interrupted = { interrupt: question, ...(output !== undefined && { output }) };
      throw new RunInterrupted('The run is interrupted to ask a person.');
    },
  };

  /** How the attempt ends, by what the handler returned or threw. */
  async function executeHandler(): Promise<JsonObject> {
    try {
      const output = await handler(run);
      if (interrupted !== null) return { status: 'INTERRUPTED', ...interrupted };
      return { status: 'SUCCESS', ...(output != null && { output }) };
    } catch (error) {
      if (interrupted !== null) return { status: 'INTERRUPTED', ...interrupted };
      if (aborted === null) report({ type: 'FAILED', error, ...about });
      return endByError(error);
    }
  }

  async function end(finish: JsonObject): Promise<void> {
    if (aborted === 'LOST') return report({ type: 'LOST', ...about });
    if (aborted === 'RELEASED') {
      await calls.release(lease);
      return report({ type: 'RELEASED', ...about });
    }
    isEnding = true;
    const wanted = aborted === 'CANCELLED' ? { status: 'CANCELLED' } : finish;
    let result = await finishOrRefuse(wanted);
    if ('refusal' in result) {
      const message = storableMessage(result.refusal.message);
      report({ type: 'FAILED', error: new TypeError(message), ...about });
      result = await calls.finish(lease, { status: 'ERROR', error: { code: 'INVALID_OUTPUT', message } });
    }
    if ('refusal' in result) throw new TypeError(result.refusal.message);
    const { accepted, status } = result;
    report(accepted && status !== null ? { type: 'ENDED', status, ...about } : { type: 'LOST', ...about });
  }

  async function finishOrRefuse(wanted: JsonObject): Promise<FinishResult> {
    try {
      assertStorable(wanted);
      return await calls.finish(lease, wanted);
    } catch (error) {
      if (error instanceof CallError || error instanceof TypeError) return refusedCall(error);
      throw error;
    }
  }

  async function execute(): Promise<void> {
    heartbeats.listen(lease, { cancelled: () => abort('CANCELLED'), lost: () => abort('LOST') });
    try {
      const finish = await executeHandler();
      hasEnded = true;
      events.close();
      await saves;
      await events.flush();
      await end(finish);
    } catch (error) {
      // The server refused the end, or stayed away until the shutdown timeout: the lease ends by itself.
      report({ type: 'FAILED', error, ...about });
    } finally {
      heartbeats.remove(lease);
    }
  }

  report({ type: 'CLAIMED', ...about });
  return {
    ended: execute(),
    release() {
      if (!hasEnded) abort('RELEASED');
    },
  };
}

function refusedCall(error: Error): Extract<FinishResult, { refusal: unknown }> {
  return { refusal: { code: 'REFUSED', message: errorMessage(error) } };
}

/** @throws {TypeError} for what could never be stored, or not even be sent: a cycle, a BigInt */
function assertStorable({ output, interrupt, error }: JsonObject): void {
  if (output != null) jsonTextOf('output', output, MAX_PAYLOAD_BYTES);
  if (interrupt != null) jsonTextOf('interrupt', interrupt, MAX_JSON_BYTES);
  const details = isObject(error) ? error['details'] : undefined;
  if (details != null) jsonTextOf('error.details', details, MAX_JSON_BYTES);
}

/** The end of an attempt whose handler threw an error. */
function endByError(error: unknown): JsonObject {
  const message = storableMessage(errorMessage(error));
  if (!(error instanceof RunFailure)) {
    return { status: 'ERROR', error: { code: 'WORKER_ERROR', message }, retry: true };
  }
  const { code, details, retry, retryAfterSeconds } = error;
  return {
    status: 'ERROR',
    error: { code, message, ...(details !== null && { details }) },
    retry,
    // The server accepts it with `retry` alone.
    ...(retry && retryAfterSeconds !== null && { retryAfterSeconds }),
  };
}

/** A message that the server accepts. */
function storableMessage(message: string): string {
  const { max } = TEXT_RULES['error.message'];
  return message.replaceAll('\0', '').toWellFormed().slice(0, max).toWellFormed();
}
