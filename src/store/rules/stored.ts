import type { Change } from '../change.ts';
import type { Owner } from '../owner.ts';
import {
  type Assistant,
  type JsonObject,
  type Run,
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

/** A record that has just come to be. */
export type Creation =
  | { readonly resource: 'assistant'; readonly before: null; readonly after: Assistant }
  | { readonly resource: 'thread'; readonly before: null; readonly after: Thread }
  | { readonly resource: 'run'; readonly before: null; readonly after: Run };

/** Why a value is no record: words that go on after the record's name. */
export interface StoredProblem {
  readonly problem: string;
}

/**
 * A record that was written down earlier, copied and frozen all the way down, or why it cannot be one: every rule that
 * new records keep must hold, and there is no key more or less. What it refers to is not looked for.
 */
export function readRecord(
  resource: Change['resource'],
  owner: Owner,
  value: unknown,
): Creation | StoredProblem {
  try {
    if (!isObject(value)) throw new Broken('is no object');
    switch (resource) {
      case 'assistant':
        return { resource, before: null, after: readAssistant(owner, value) };
      case 'thread':
        return { resource, before: null, after: readThread(owner, value) };
      case 'run':
        return { resource, before: null, after: readRun(owner, value) };
    }
  } catch (error) {
    if (error instanceof Broken) return { problem: error.message };
    throw error;
  }
}

class Broken extends Error {}

type Fields = Readonly<Record<string, unknown>>;

// Keys are in the order in which new records have them, so that all records are alike to the engine.

function readAssistant(owner: Owner, value: Fields): Assistant {
  checkKeys(value, 10);
  const { id, createdAt, updatedAt } = readIdentity(value);
  const { version } = value;
  if (!isCount(version)) throw new Broken('has no whole number from 1 on as `version`');
  return Object.freeze({
    id,
    graphId: readText('graphId', value.graphId),
    name: readText('name', value.name),
    description: value.description === null ? null : readText('description', value.description),
    config: readObject('config', value.config),
    context: readObject('context', value.context),
    metadata: readMetadata(owner, value.metadata),
    version,
    createdAt,
    updatedAt,
  });
}

function readThread(owner: Owner, value: Fields): Thread {
  checkKeys(value, 5);
  const { id, createdAt, updatedAt } = readIdentity(value);
  const { status } = value;
  if (!isThreadStatus(status)) throw new Broken('has no status of a thread');
  return Object.freeze({
    id,
    status,
    metadata: readMetadata(owner, value.metadata),
    createdAt,
    updatedAt,
  });
}

function readRun(owner: Owner, value: Fields): Run {
  checkKeys(value, 8);
  const { id, createdAt, updatedAt } = readIdentity(value);
  const { threadId, assistantId, status, ended } = value;
  if (!isId(threadId)) throw new Broken('has no id as `threadId`');
  if (!isId(assistantId)) throw new Broken('has no id as `assistantId`');
  if (!isRunStatus(status)) throw new Broken('has no status of a run');
  if (ended !== null && !isCount(ended)) throw new Broken('has no whole number from 1 on as `ended`');
  if (isActive(status) !== (ended === null)) throw new Broken('has a status that `ended` contradicts');
  return Object.freeze({
    id,
    threadId,
    assistantId,
    status,
    ended,
    metadata: readMetadata(owner, value.metadata),
    createdAt,
    updatedAt,
  });
}

function checkKeys(value: Fields, count: number): void {
  // What is missing is found by its own rule.
  if (Object.keys(value).length > count) throw new Broken('has a key that is not known');
}

function readIdentity({ id, createdAt, updatedAt }: Fields) {
  if (!isId(id)) throw new Broken('has no id');
  if (!isInstant(createdAt)) throw new Broken('has no time in UTC with milliseconds as `createdAt`');
  if (updatedAt !== createdAt && !isInstant(updatedAt)) {
    throw new Broken('has no time in UTC with milliseconds as `updatedAt`');
  }
  if (updatedAt < createdAt) throw new Broken('was changed before it was created');
  return { id, createdAt, updatedAt };
}

function readText(key: keyof typeof TEXT_RULES, value: unknown): string {
  if (typeof value !== 'string' || refuseText(key, value) !== null) throw new Broken(`has a bad \`${key}\``);
  return value;
}

function readObject(key: string, value: unknown): JsonObject {
  if (!isObject(value)) throw new Broken(`has no object as \`${key}\``);
  const read = storableJson(key, value);
  if ('refusals' in read || refuseSize(key, read.value) !== null) throw new Broken(`has a bad \`${key}\``);
  return read.value;
}

function readMetadata(owner: Owner, value: unknown): JsonObject {
  if (!isObject(value)) throw new Broken('has no object as `metadata`');
  if (!Object.hasOwn(value, 'owner') || value.owner !== owner) throw new Broken("is another owner's");
  const read = storableJson('metadata', withoutOwner(value));
  const stamped = 'refusals' in read ? read : newMetadata(owner, read.value);
  if ('refusals' in stamped) throw new Broken('has a bad `metadata`');
  return stamped.value;
}

/** Any object that is no array: what is in it is looked at when it is copied. */
function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const ID = /^[0-9a-f]{32}$/;

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

const INSTANT = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
/** The last day that every month has. */
const EVERY_MONTH = '28';

function isInstant(value: unknown): value is string {
  if (typeof value !== 'string' || !INSTANT.test(value)) return false;
  // There is no 30th of February, though `Date` takes it for the 2nd of March.
  return value.slice(8, 10) <= EVERY_MONTH || new Date(value).toISOString() === value;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

const KNOWN_RUN_STATUSES: ReadonlySet<unknown> = new Set(RUN_STATUSES);
const KNOWN_THREAD_STATUSES: ReadonlySet<unknown> = new Set(THREAD_STATUSES);

function isRunStatus(value: unknown): value is RunStatus {
  return KNOWN_RUN_STATUSES.has(value);
}

function isThreadStatus(value: unknown): value is ThreadStatus {
  return KNOWN_THREAD_STATUSES.has(value);
}
