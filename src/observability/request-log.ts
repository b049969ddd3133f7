import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Log } from '../lib/log.ts';
import type { CompletedRequest, RequestObserver } from './completed-request.ts';
import { causesOf } from './causes.ts';
import { createOwnerHash } from './owner-hash.ts';
import { isProbe } from './probes.ts';

/** Writes a line to the log. */
export type WriteLine = (line: string) => void;

/**
 * Creates the log of requests: a line for each, with nothing that is the client's secret. The lines have the format of
 * the logger, and take a fifth of its time.
 */
export function createRequestLog(logger: Pick<Logger, 'isLevelEnabled'>, write: WriteLine): RequestObserver {
  const hash = createOwnerHash();
  return (completed) => {
    // Orchestrators send probes every few seconds.
    const level = isProbe(completed.path) ? 'debug' : 'info';
    if (!logger.isLevelEnabled(level)) return;
    const owner = completed.owner === null ? null : hash(completed.owner);
    write(
      `{"level":${LEVELS[level]},"time":${Date.now()}${PROCESS}${fieldsOf(completed, owner)},"msg":"request"}\n`,
    );
  };
}

/** As pino numbers them. */
const LEVELS = { info: 30, debug: 20 };
/** As pino names it in each line. */
const PROCESS = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())}`;

/** Creates the log of unexpected errors: the causes of INTERNAL_SERVER_ERROR, which clients do not see. */
export function createErrorLog(logger: Pick<Log, 'error'>): (cause: unknown, requestId: string) => void {
  return (cause, requestId) => logger.error({ requestId, causes: causesOf(cause) }, 'unexpected error');
}

/** Fields without a value are left out. No text among them has a character that JSON would escape. */
function fieldsOf(completed: CompletedRequest, owner: string | null): string {
  const { requestId, traceId, method, path, status, operationType, operationName } = completed;
  const { cost, duration, outcome, errorCode } = completed;
  return (
    `,"requestId":"${requestId}"${text('traceId', traceId)},"method":"${method}","path":"${path}","status":${status}` +
    text('operationType', operationType) +
    text('operationName', operationName) +
    text(completed.isWorker ? 'worker' : 'owner', owner) +
    `${cost === null ? '' : `,"cost":${cost}`},"durationMs":${Math.round(duration * 1000) / 1000}` +
    `,"outcome":"${outcome}"${text('errorCode', errorCode)}`
  );
}

function text(name: string, value: string | null): string {
  return value === null ? '' : `,"${name}":"${value}"`;
}
