import { isObject } from '../../lib/is-object.ts';
import type { Execution, Lease, ReportedEnd, RunEvent } from '../execution.ts';
import type { KeyRecord } from '../detail.ts';
import { isOwner } from '../owner.ts';
import { CANCEL_ACTIONS, type CancelAction, RUN_STATUSES, type RunStatus } from '../records.ts';
import { MAX_JSON_BYTES, storableText } from './json.ts';
import { isInstant } from './parse-record.ts';
import { refuseText } from './text.ts';

/** The end of the year 9999, in milliseconds since 1970: the last time that has the form of records' times. */
const MAX_TIME = 253_402_300_799_999;

/** SHA-256 in base64url: see `digestOf`. */
const DIGEST = /^[\w-]{43}$/;

/** Whether a value has the form of a digest. */
export function isDigest(value: unknown): value is string {
  return typeof value === 'string' && DIGEST.test(value);
}

/** Parses an execution that was stored or exported earlier; null for one that is not valid. */
export function parseExecution(value: unknown): Execution | null {
  if (!isObject(value)) return null;
  const { claims, storedEvents, sentEvents, sentBytes, lastSeq, droppedSeq } = value;
  const lease = value.lease === null ? null : parseLease(value.lease);
  const reported = value.reported === null ? null : parseReported(value.reported);
  const cancelAction =
    value.cancelAction === null ? null : oneOf<CancelAction>(CANCEL_ACTIONS, value.cancelAction);
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
  if (typeof recordId !== 'string' || !isDigest(digest)) return null;
  return Object.freeze({ recordId, digest });
}

/** Parses an event whose data is an object; null for one that is not valid. */
export function parseRunEvent(value: unknown): RunEvent | null {
  if (!isObject(value) || !isObject(value.data)) return null;
  const { seq, attempt, type, at } = value;
  if (!isCount(seq) || seq < 1 || !isCount(attempt) || typeof type !== 'string' || typeof at !== 'string') {
    return null;
  }
  const data = storableText('data', value.data, MAX_JSON_BYTES);
  if ('refusals' in data || refuseText('type', type) !== null || !isInstant(at)) return null;
  return Object.freeze({ seq, attempt, type, data: data.value, at });
}

function parseLease(value: unknown): Lease | undefined {
  if (!isObject(value)) return undefined;
  const { holder, worker, seconds, endsAt } = value;
  if (!isOwner(holder) || typeof worker !== 'string' || refuseText('worker', worker) !== null)
    return undefined;
  if (!isCount(seconds) || !isCount(endsAt) || endsAt > MAX_TIME) return undefined;
  return Object.freeze({ holder, worker, seconds, endsAt });
}

function parseReported(value: unknown): ReportedEnd | undefined {
  if (!isObject(value) || !isDigest(value.digest)) return undefined;
  const status = oneOf<RunStatus>(RUN_STATUSES, value.status);
  return status === undefined ? undefined : Object.freeze({ digest: value.digest, status });
}

function oneOf<T extends string>(known: readonly T[], value: unknown): T | undefined {
  return known.find((one) => one === value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
