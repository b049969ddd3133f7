import type { Logger } from 'pino';
import type { Answered, Observer } from './answered.ts';
import { causesOf } from './causes.ts';
import { createOwnerHash } from './owner-hash.ts';
import { isProbe } from './probes.ts';

/** Writes a line for each request: what it was and how it ended, and nothing that is only the client's to know. */
export function createRequestLog(logger: Pick<Logger, 'info' | 'debug' | 'isLevelEnabled'>): Observer {
  const hash = createOwnerHash();
  return (answered) => {
    // An orchestrator asks every few seconds.
    const level = isProbe(answered.path) ? 'debug' : 'info';
    if (logger.isLevelEnabled(level)) logger[level](lineOf(answered, hash), 'request');
  };
}

/** Writes down what a client is not told: why its answer has INTERNAL_SERVER_ERROR. */
export function createErrorLog(logger: Pick<Logger, 'error'>): (cause: unknown, requestId: string) => void {
  return (cause, requestId) => logger.error({ requestId, causes: causesOf(cause) }, 'unexpected error');
}

/** Fields without a value are left out. */
function lineOf(answered: Answered, hash: (owner: NonNullable<Answered['owner']>) => string): object {
  const { operationName, operationType, owner, cost, errorCode, traceId } = answered;
  return {
    requestId: answered.requestId,
    traceId: traceId ?? undefined,
    method: answered.method,
    path: answered.path,
    status: answered.status,
    operationType: operationType ?? undefined,
    operationName: operationName ?? undefined,
    owner: owner === null ? undefined : hash(owner),
    cost: cost ?? undefined,
    durationMs: Math.round(answered.duration * 1000) / 1000,
    outcome: answered.outcome,
    errorCode: errorCode ?? undefined,
  };
}
