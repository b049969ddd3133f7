import { isObject } from '../../lib/is-object.ts';
import type { Execution, Lease, ReportedEnd } from '../execution.ts';
import type { KeyRecord } from '../detail.ts';
import { isOwner } from '../owner.ts';
import { CANCEL_ACTIONS, type CancelAction, RUN_STATUSES, type RunStatus } from '../records.ts';

/** Parses an execution that was stored or exported earlier; null for one that is not valid. */
export function parseExecution(value: unknown): Execution | null {
  if (!isObject(value)) return null;
  const { claims, storedEvents, sentEvents, sentBytes, lastSeq, droppedSeq } = value;
  const lease = value.lease === null ? null : parseLease(value.lease);
  const reported = value.reported === null ? null : parseReported(value.reported);
  const cancelAction = value.cancelAction === null ? null : oneOf<CancelAction>(CANCEL_ACTIONS, value.cancelAction);
  if (!isCount(claims) || !isCount(storedEvents) || !isCount(sentEvents) || !isCount(sentBytes)) return null;
  if (!isCount(lastSeq) || !isCount(droppedSeq) || droppedSeq > lastSeq) return null;
  if (lease === undefined || reported === undefined || cancelAction === undefined) return null;
  return Object.freeze({
    claims,
    lease,
    storedEvents,
    sentEvents,
    sentBytes,
    lastSeq,
    droppedSeq,
    cancelAction,
    reported,
  });
}

/** Parses what an idempotency key made; null for what is not valid. */
export function parseKeyRecord(value: unknown): KeyRecord | null {
  if (!isObject(value)) return null;
  const { recordId, digest } = value;
  if (typeof recordId !== 'string' || typeof digest !== 'string') return null;
  return Object.freeze({ recordId, digest });
}

function parseLease(value: unknown): Lease | undefined {
  if (!isObject(value)) return undefined;
  const { holder, worker, seconds, endsAt } = value;
  if (!isOwner(holder) || typeof worker !== 'string' || !isCount(seconds) || !isCount(endsAt)) return undefined;
  return Object.freeze({ holder, worker, seconds, endsAt });
}

function parseReported(value: unknown): ReportedEnd | undefined {
  if (!isObject(value) || typeof value.digest !== 'string') return undefined;
  const status = oneOf<RunStatus>(RUN_STATUSES, value.status);
  return status === undefined ? undefined : Object.freeze({ digest: value.digest, status });
}

function oneOf<T extends string>(known: readonly T[], value: unknown): T | undefined {
  return known.find((one) => one === value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
