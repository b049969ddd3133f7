import type { RequestTrace } from '../observability/request-record.ts';
import type { Context } from '../schema/context.ts';
import { releaseClaims } from '../subscriptions/claimed-runs.ts';
import type { Caller } from './caller.ts';
import type { Execution, OperationResult, Results } from './operation-result.ts';
import { ClientGone, type Work } from './timeout.ts';

/** A query or mutation that is executed. */
export class RunningOperation implements Work<Execution, OperationResult> {
  readonly #results: Results;
  readonly #context: Context;
  readonly #span: ReturnType<RequestTrace['beginExecution']> | undefined;
  readonly caller: Caller;

  constructor(
    results: Results,
    context: Context,
    caller: Caller,
    span: ReturnType<RequestTrace['beginExecution']> | undefined,
  ) {
    this.#results = results;
    this.#context = context;
    this.#span = span;
    this.caller = caller;
  }

  finish(execution: Execution): OperationResult {
    this.#span?.end();
    const { requestId } = this.caller.record;
    return guardClaims(this.#context, this.#results.executed(execution, requestId));
  }

  fail(error: unknown): OperationResult {
    if (error instanceof ClientGone) throw error;
    return this.#results.failed(error, this.caller.record.requestId);
  }

  stop(reason: Error): void {
    const context = this.#context;
    context.stopped = reason;
    for (const wait of context.openWaits ?? []) wait.expire();
    void releaseClaims(context);
  }
}

/** Releases the runs that a request has claimed where its result does not have them, or is not delivered. */
function guardClaims(context: Context, result: OperationResult): OperationResult {
  if (context.claimed === null) return result;
  const onUndelivered = (): void => void releaseClaims(context);
  if (!result.isEmpty) return { ...result, onUndelivered };
  onUndelivered();
  return result;
}
