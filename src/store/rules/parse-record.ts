import { isObject } from '../../lib/is-object.ts';
import type { Change, Creation } from '../change.ts';
import type { Owner } from '../owner.ts';
import {
  type Assistant,
  type JsonObject,
  MULTITASK_STRATEGIES,
  type MultitaskStrategy,
  type Run,
  type RunError,
  RUN_STATUSES,
  type RunStatus,
  type Thread,
  THREAD_STATUSES,
  type ThreadStatus,
} from '../records.ts';
import { refuseSize, storableJson } from './json.ts';
import { newMetadata, withoutOwner } from './metadata.ts';
import { isActive } from './status.ts';
import { refuseText, TEXT_RULES } from './text.ts';

/** Why a value is not a valid record: words that complete the sentence “The record …”. */
export interface RecordProblem {
  readonly problem: string;
}

/**
 * Parses a record that was stored or exported earlier: a deeply frozen copy, or why it is not valid. All rules for new
 * records must hold, and there must be no other keys. Whether the records exist that it refers to is not checked.
 */
export function parseRecord(
  resource: Change['resource'],
  owner: Owner,
  value: unknown,
): Creation | RecordProblem {
  try {
    if (!isObject(value)) throw new InvalidRecord('is not an object');
    switch (resource) {
      case 'assistant':
        return { resource, before: null, after: parseAssistant(owner, value) };
      case 'thread':
        return { resource, before: null, after: parseThread(owner, value) };
      case 'run':
        return { resource, before: null, after: parseRun(owner, value) };
    }
  } catch (error) {
    if (error instanceof InvalidRecord) return { problem: error.message };
    throw error;
  }
}

class InvalidRecord extends Error {}

type Fields = Readonly<Record<string, unknown>>;

// Keys are in the order in which new records have them, so that all records share one hidden class of V8.

function parseAssistant(owner: Owner, value: Fields): Assistant {
  checkKeys(value, 10);
  const { id, createdAt, updatedAt } = parseIdentity(value);
  const { version } = value;
  if (!isCount(version)) throw new InvalidRecord('has no positive integer as `version`');
  return Object.freeze({
    id,
    graphId: parseText('graphId', value.graphId),
    name: parseText('name', value.name),
    description: value.description === null ? null : parseText('description', value.description),
    config: parseObject('config', value.config),
    context: parseObject('context', value.context),
    metadata: parseMetadata(owner, value.metadata),
    version,
    createdAt,
    updatedAt,
  });
}

function parseThread(owner: Owner, value: Fields): Thread {
  checkKeys(value, 6);
  const { id, createdAt, updatedAt } = parseIdentity(value);
  const { status, valuesRunId } = value;
  if (!isThreadStatus(status)) throw new InvalidRecord('has no valid status');
  if (valuesRunId !== null && !isId(valuesRunId)) throw new InvalidRecord('has no id as `valuesRunId`');
  return Object.freeze({
    id,
    status,
    valuesRunId,
    metadata: parseMetadata(owner, value.metadata),
    createdAt,
    updatedAt,
  });
}

function parseRun(owner: Owner, value: Fields): Run {
  checkKeys(value, 25);
  const { id, createdAt, updatedAt } = parseIdentity(value);
  const { threadId, assistantId, status, ended, resumes, multitaskStrategy } = value;
  const { timeoutSeconds, assistantVersion, worker } = value;
  if (!isId(threadId)) throw new InvalidRecord('has no id as `threadId`');
  if (!isId(assistantId)) throw new InvalidRecord('has no id as `assistantId`');
  if (!isRunStatus(status)) throw new InvalidRecord('has no valid status');
  if (ended !== null && !isCount(ended)) throw new InvalidRecord('has no positive integer as `ended`');
  if (isActive(status) !== (ended === null)) throw new InvalidRecord('has a status that `ended` contradicts');
  checkWaiting(value);
  if (resumes !== null && !isId(resumes)) throw new InvalidRecord('has no id as `resumes`');
  if (!isStrategy(multitaskStrategy)) throw new InvalidRecord('has no valid `multitaskStrategy`');
  if (timeoutSeconds !== null && !isCount(timeoutSeconds)) throw new InvalidRecord('has no valid timeout');
  if (assistantVersion !== null && !isCount(assistantVersion)) {
    throw new InvalidRecord('has no valid `assistantVersion`');
  }
  return Object.freeze({
    id,
    threadId,
    assistantId,
    status,
    ended,
    hasInput: parseFlag('hasInput', value.hasInput),
    hasOutput: parseFlag('hasOutput', value.hasOutput),
    hasCheckpoint: parseFlag('hasCheckpoint', value.hasCheckpoint),
    error: value.error === null ? null : parseError(value.error),
    interrupt: value.interrupt === null ? null : parseObject('interrupt', value.interrupt),
    resumes,
    multitaskStrategy,
    attempt: parseNumber('attempt', value.attempt, 0),
    maxAttempts: parseNumber('maxAttempts', value.maxAttempts, 1),
    timeoutSeconds,
    assistantVersion,
    worker: worker === null ? null : parseText('worker', worker),
    availableAt: parseTime('availableAt', value.availableAt),
    startedAt: parseTime('startedAt', value.startedAt),
    finishedAt: parseTime('finishedAt', value.finishedAt),
    cancelRequestedAt: parseTime('cancelRequestedAt', value.cancelRequestedAt),
    traceparent: value.traceparent === null ? null : parseTraceparent(value.traceparent),
    metadata: parseMetadata(owner, value.metadata),
    createdAt,
    updatedAt,
  });
}

/** A run that no worker can have has no time from which one could: a pending one has it. */
function checkWaiting({ status, ended, worker, availableAt }: Fields): void {
  const isPossible = availableAt === null ? status !== 'PENDING' : ended === null && worker === null;
  if (!isPossible) throw new InvalidRecord('has a status or a worker that `availableAt` contradicts');
}

const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

function parseTraceparent(value: unknown): string {
  if (typeof value !== 'string' || !TRACEPARENT.test(value)) {
    throw new InvalidRecord('has no valid `traceparent`');
  }
  return value;
}

function parseFlag(key: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new InvalidRecord(`has no true or false as \`${key}\``);
  return value;
}

function parseNumber(key: string, value: unknown, min: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
  throw new InvalidRecord(`has no valid \`${key}\``);
}

function parseTime(key: string, value: unknown): string | null {
  if (value === null || isInstant(value)) return value;
  throw new InvalidRecord(`has no time in UTC with milliseconds as \`${key}\``);
}

function parseError(value: unknown): RunError {
  if (!isObject(value)) throw new InvalidRecord('has no JSON object as `error`');
  return Object.freeze({
    code: parseText('error.code', value.code),
    message: parseText('error.message', value.message),
    details: value.details === null ? null : parseObject('error.details', value.details),
  });
}

function checkKeys(value: Fields, count: number): void {
  // A missing key fails the rule of its value.
  if (Object.keys(value).length > count) throw new InvalidRecord('has an unknown key');
}

function parseIdentity({ id, createdAt, updatedAt }: Fields) {
  if (!isId(id)) throw new InvalidRecord('has no id');
  if (!isInstant(createdAt)) throw new InvalidRecord('has no time in UTC with milliseconds as `createdAt`');
  if (updatedAt !== createdAt && !isInstant(updatedAt)) {
    throw new InvalidRecord('has no time in UTC with milliseconds as `updatedAt`');
  }
  if (updatedAt < createdAt) throw new InvalidRecord('has an `updatedAt` before its `createdAt`');
  return { id, createdAt, updatedAt };
}

function parseText(key: keyof typeof TEXT_RULES, value: unknown): string {
  if (typeof value !== 'string' || refuseText(key, value) !== null)
    throw new InvalidRecord(`has an invalid \`${key}\``);
  return value;
}

function parseObject(key: string, value: unknown): JsonObject {
  if (!isObject(value)) throw new InvalidRecord(`has no JSON object as \`${key}\``);
  const read = storableJson(key, value);
  if ('refusals' in read || refuseSize(key, read.value) !== null)
    throw new InvalidRecord(`has an invalid \`${key}\``);
  return read.value;
}

function parseMetadata(owner: Owner, value: unknown): JsonObject {
  if (!isObject(value)) throw new InvalidRecord('has no JSON object as `metadata`');
  if (!Object.hasOwn(value, 'owner') || value.owner !== owner)
    throw new InvalidRecord('has another owner in its metadata');
  const read = storableJson('metadata', withoutOwner(value));
  const stamped = 'refusals' in read ? read : newMetadata(owner, read.value);
  if ('refusals' in stamped) throw new InvalidRecord('has an invalid `metadata`');
  return stamped.value;
}

const ID = /^[0-9a-f]{32}$/;

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

const INSTANT = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
/** The last day of the month that exists in every month. */
const LAST_COMMON_DAY = '28';

/** Whether a value is a time in UTC with milliseconds, of a day that exists. */
export function isInstant(value: unknown): value is string {
  if (typeof value !== 'string' || !INSTANT.test(value)) return false;
  // `Date` accepts the 30th of February as the 2nd of March.
  return value.slice(8, 10) <= LAST_COMMON_DAY || new Date(value).toISOString() === value;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

const KNOWN_RUN_STATUSES: ReadonlySet<unknown> = new Set(RUN_STATUSES);
const KNOWN_THREAD_STATUSES: ReadonlySet<unknown> = new Set(THREAD_STATUSES);

function isRunStatus(value: unknown): value is RunStatus {
  return KNOWN_RUN_STATUSES.has(value);
}

const KNOWN_STRATEGIES: ReadonlySet<unknown> = new Set(MULTITASK_STRATEGIES);

function isStrategy(value: unknown): value is MultitaskStrategy {
  return KNOWN_STRATEGIES.has(value);
}

function isThreadStatus(value: unknown): value is ThreadStatus {
  return KNOWN_THREAD_STATUSES.has(value);
}
