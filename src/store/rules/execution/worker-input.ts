import type { SentEvent } from '../../execution.ts';
import { type Outcome, type Refusal, refused } from '../../outcome.ts';
import type { AppendRequest, ClaimRequest, FinishRequest, HeartbeatRequest } from '../../queue.ts';
import type { JsonObject, RunError } from '../../records.ts';
import { checkLength } from '../filter.ts';
import { digestOf } from '../idempotency.ts';
import {
  EMPTY,
  haveMoreBytes,
  MAX_JSON_BYTES,
  MAX_PAYLOAD_BYTES,
  refuseNull,
  refuseSize,
  storableJson,
  storableText,
} from '../json.ts';
import { MAX_DELAY, refuseRange } from '../run.ts';
import { invalid, refuseText } from '../text.ts';
import type { AttemptEnd } from './lease.ts';

/** The range of `leaseSeconds`: long enough for a few heartbeats, short enough for a lost run to be claimed again soon. */
const LEASE_SECONDS = [5, 300] as const;
/** The most runs of one call: as many as a worker may execute at a time. */
const MAX_CLAIMS = 50;
/** The longest wait of a call, in seconds: less than the response timeout of common proxies. */
export const MAX_WAIT = 10;

/** Why a request for runs is not accepted. @throws BadUserInput for more than 100 graphs */
export function refuseClaimRequest({
  name,
  graphIds,
  max,
  leaseSeconds,
  waitSeconds,
}: Omit<ClaimRequest, 'allOwners'>): readonly Refusal[] {
  checkLength('input.graphIds', 'graphs', graphIds);
  const blank = refuseText('worker', name);
  return [
    ...(blank === null ? [] : [blank]),
    ...refuseRange('max', max, 1, MAX_CLAIMS),
    ...refuseRange('leaseSeconds', leaseSeconds, ...LEASE_SECONDS),
    ...refuseRange('waitSeconds', waitSeconds, 0, MAX_WAIT),
  ];
}

/** Why a heartbeat is not accepted. @throws BadUserInput for more than 100 leases */
export function refuseHeartbeat({ leases, leaseSeconds, waitSeconds }: HeartbeatRequest): readonly Refusal[] {
  checkLength('input.leases', 'leases', leases);
  return [
    ...refuseRange('leaseSeconds', leaseSeconds, ...LEASE_SECONDS),
    ...refuseRange('waitSeconds', waitSeconds, 0, MAX_WAIT),
  ];
}

/** Checks the events of a call. @throws BadUserInput for more than 100 events */
export function checkEvents({ offset, events }: AppendRequest): Outcome<readonly SentEvent[]> {
  checkLength('input.events', 'events', events);
  const refusals = [...refuseRange('offset', offset, 0, Number.MAX_SAFE_INTEGER)];
  const sent: SentEvent[] = [];
  for (const [index, { type, data = EMPTY }] of events.entries()) {
    const refusal = refuseText('type', type, `events.${index}.type`);
    if (refusal !== null) refusals.push(refusal);
    const key = `events.${index}.data`;
    const text = data === null ? refused(refuseNull(key)) : storableText(key, data, MAX_JSON_BYTES);
    if ('refusals' in text) refusals.push(...text.refusals);
    else sent.push({ type, data: text.value });
  }
  const texts = sent.map(({ data }) => data);
  if (haveMoreBytes(texts, MAX_PAYLOAD_BYTES)) {
    const message = `The events of one call have ${MAX_PAYLOAD_BYTES} bytes at most: send fewer.`;
    refusals.push(invalid('events', message));
  }
  return refusals.length > 0 ? { refusals } : { value: sent };
}

/** Checks a checkpoint: its compact JSON. */
export function checkCheckpoint(values: JsonObject): Outcome<string> {
  return storableText('values', values, MAX_PAYLOAD_BYTES);
}

/** Checks the end of an attempt. */
export function checkEnd(request: Omit<FinishRequest, 'lease'>): Outcome<AttemptEnd> {
  const { status, retry } = request;
  const [output, error, interrupt, retryAfterSeconds] = [
    request.output ?? null,
    request.error ?? null,
    request.interrupt ?? null,
    request.retryAfterSeconds ?? null,
  ];
  if (status === 'PENDING' || status === 'RUNNING') {
    const message = `A run cannot end with ${status}: SUCCESS, ERROR, TIMEOUT, INTERRUPTED or CANCELLED is accepted.`;
    return refused(invalid('status', message));
  }
  const failed = status === 'ERROR' || status === 'TIMEOUT';
  const refusals = [
    ...(output === null || status === 'SUCCESS' || status === 'INTERRUPTED'
      ? []
      : [notWith('output', status)]),
    ...(error === null || failed ? [] : [notWith('error', status)]),
    ...(error !== null || !failed
      ? []
      : [invalid('error', `A run that ends with ${status} needs an \`error\`.`)]),
    ...(interrupt === null || status === 'INTERRUPTED' ? [] : [notWith('interrupt', status)]),
    ...(!retry || status === 'ERROR' ? [] : [notWith('retry', status)]),
    ...(retryAfterSeconds === null || retry
      ? []
      : [invalid('retryAfterSeconds', '`retryAfterSeconds` is accepted with `retry` alone.')]),
    ...(retryAfterSeconds === null ? [] : refuseRange('retryAfterSeconds', retryAfterSeconds, 0, MAX_DELAY)),
  ];
  const text = output === null ? { value: undefined } : storableText('output', output, MAX_PAYLOAD_BYTES);
  const question = checkObject('interrupt', interrupt);
  const reason = checkError(error);
  for (const checked of [text, question, reason]) {
    if ('refusals' in checked) refusals.push(...checked.refusals);
  }
  if (refusals.length > 0 || 'refusals' in text || 'refusals' in question || 'refusals' in reason) {
    return { refusals };
  }
  return {
    value: {
      status,
      output: text.value,
      error: reason.value,
      interrupt: question.value,
      retry,
      retryAfterSeconds,
      digest: digestOf({ status, output, error, interrupt, retry, retryAfterSeconds }),
    },
  };
}

function notWith(key: string, status: string): Refusal {
  return invalid(key, `\`${key}\` is not accepted with the status ${status}.`);
}

function checkError(error: NonNullable<FinishRequest['error']> | null): Outcome<RunError | null> {
  if (error === null) return { value: null };
  const { code, message, details = null } = error;
  const refusals = [refuseText('error.code', code), refuseText('error.message', message)].filter(
    (refusal) => refusal !== null,
  );
  const checked = checkObject('error.details', details);
  if ('refusals' in checked) return { refusals: [...refusals, ...checked.refusals] };
  if (refusals.length > 0) return { refusals };
  return { value: Object.freeze({ code, message, details: checked.value }) };
}

function checkObject(key: string, value: JsonObject | null): Outcome<JsonObject | null> {
  if (value === null) return { value: null };
  const outcome = storableJson(key, value);
  if ('refusals' in outcome) return outcome;
  const tooLarge = refuseSize(key, outcome.value);
  return tooLarge === null ? outcome : refused(tooLarge);
}
