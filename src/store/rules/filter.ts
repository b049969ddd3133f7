import { isObject } from '../../lib/is-object.ts';
import { BadUserInput } from '../bad-user-input.ts';
import type { AssistantFilter, RunFilter, ThreadFilter } from '../query.ts';
import type { Assistant, JsonObject, Run, Thread } from '../records.ts';
import { canMatch, contains } from './containment.ts';
import { compareCodePoints, foldCase, isStorableText } from './text.ts';

/** Ids that one call may name, and values that a condition of a filter may. */
export const MAX_IDS = 100;

/** Whether a record is kept; null where all are. */
export type Match<R> = ((record: R) => boolean) | null;

/** The match of a filter that keeps nothing, whatever there is: no list need be searched for it. */
export const NOTHING = (): boolean => false;

/** What an assistant filter keeps. Throws `BadUserInput` for more than 100 ids. */
export function matchAssistants({ ids, graphId, nameContains, metadata }: AssistantFilter): Match<Assistant> {
  return all(
    ids == null ? null : oneOf(checkLength('filter.ids', 'ids', ids), (assistant) => assistant.id),
    graphId == null ? null : (assistant) => assistant.graphId === graphId,
    nameContains == null ? null : matchName(nameContains),
    metadata == null ? null : matchMetadata(metadata),
  );
}

/** What a thread filter keeps. Throws `BadUserInput` for more than 100 ids or statuses. */
export function matchThreads({ ids, status, metadata }: ThreadFilter): Match<Thread> {
  return all(
    ids == null ? null : oneOf(checkLength('filter.ids', 'ids', ids), (thread) => thread.id),
    status == null
      ? null
      : oneOf(checkLength('filter.status', 'statuses', status), (thread) => thread.status),
    metadata == null ? null : matchMetadata(metadata),
  );
}

/** What a run filter keeps. Throws `BadUserInput` for more than 100 ids or statuses. */
export function matchRuns(filter: RunFilter): Match<Run> {
  const { ids, threadId, assistantId, status, metadata, parent } = filter;
  return all(
    ids == null ? null : oneOf(checkLength('filter.ids', 'ids', ids), (run) => run.id),
    threadId == null ? null : (run) => run.threadId === threadId,
    assistantId == null ? null : (run) => run.assistantId === assistantId,
    status == null ? null : oneOf(checkLength('filter.status', 'statuses', status), (run) => run.status),
    metadata == null ? null : matchMetadata(metadata),
    parent == null ? null : isChildOf(parent),
  );
}

/** The values again, unless there are more than 100: then throws `BadUserInput`. @param what they are, in English */
export function checkLength<T>(argument: string, what: string, values: readonly T[]): readonly T[] {
  if (values.length > MAX_IDS) {
    throw new BadUserInput(
      `\`${argument}\` names ${values.length} ${what}: at most ${MAX_IDS} are accepted.`,
    );
  }
  return values;
}

/** A filter as it names its list: two that ask for the same have the same name, whatever the order of their keys. */
export function filterName(filter: AssistantFilter | ThreadFilter | RunFilter): string {
  const conditions: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(filter)) {
    if (value != null) conditions[key] = Array.isArray(value) ? sortedSet(value.map(String)) : value;
  }
  // What matches nothing is named as such, and not walked: it may be nested without end.
  if (filter.metadata != null && !canMatch(filter.metadata)) conditions.metadata = null;
  return JSON.stringify(conditions, (_, value: unknown) => (isObject(value) ? sortKeys(value) : value));
}

function all<R>(...conditions: Match<R>[]): Match<R> {
  const given = conditions.filter((condition) => condition !== null);
  if (given.includes(NOTHING)) return NOTHING;
  const [only] = given;
  if (only === undefined) return null;
  return given.length === 1 ? only : (record) => given.every((condition) => condition(record));
}

function oneOf<R>(accepted: readonly string[], valueOf: (record: R) => string): Match<R> {
  if (accepted.length === 0) return NOTHING;
  const set = new Set(accepted);
  return (record) => set.has(valueOf(record));
}

function isChildOf(parent: NonNullable<RunFilter['parent']>): Match<Run> {
  if ('threadId' in parent) return (run) => run.threadId === parent.threadId;
  return (run) => run.assistantId === parent.assistantId;
}

function matchName(part: string): Match<Assistant> {
  // Half of a character is in no name, though JavaScript would find it there.
  if (!isStorableText(part)) return NOTHING;
  const folded = foldCase(part);
  return (assistant) => foldCase(assistant.name).includes(folded);
}

function matchMetadata(filter: JsonObject): Match<{ metadata: JsonObject }> {
  if (!canMatch(filter)) return NOTHING;
  return (record) => contains(record.metadata, filter);
}

function sortKeys(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => compareCodePoints(a, b)));
}

function sortedSet(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted(compareCodePoints);
}
