import { isObject } from '../../lib/is-object.ts';
import { BadUserInput } from '../bad-user-input.ts';
import type { AssistantFilter, RunFilter, ThreadFilter } from '../query.ts';
import type { Assistant, JsonObject, Run, Thread } from '../records.ts';
import { canMatch, contains } from './containment.ts';
import { compareCodePoints, foldCase, isStorableText } from './text.ts';

/** The maximum number of ids of one call, and of values in one condition of a filter. */
export const MAX_IDS = 100;

/** Tells whether a filter keeps a record; null where it keeps all. */
export type Match<R> = ((record: R) => boolean) | null;

/** The match of a filter that cannot keep any record, so that no list need be searched. */
export const MATCH_NOTHING = (): boolean => false;

/** The match of an assistant filter. @throws BadUserInput for more than 100 ids */
export function matchAssistants({ ids, graphId, nameContains, metadata }: AssistantFilter): Match<Assistant> {
  return all(
    ids == null ? null : oneOf(checkLength('filter.ids', 'ids', ids), (assistant) => assistant.id),
    graphId == null ? null : (assistant) => assistant.graphId === graphId,
    nameContains == null ? null : matchName(nameContains),
    metadata == null ? null : matchMetadata(metadata),
  );
}

/** The match of a thread filter. @throws BadUserInput for more than 100 ids or statuses */
export function matchThreads({ ids, status, metadata }: ThreadFilter): Match<Thread> {
  return all(
    ids == null ? null : oneOf(checkLength('filter.ids', 'ids', ids), (thread) => thread.id),
    status == null
      ? null
      : oneOf(checkLength('filter.status', 'statuses', status), (thread) => thread.status),
    metadata == null ? null : matchMetadata(metadata),
  );
}

/** The match of a run filter. @throws BadUserInput for more than 100 ids or statuses */
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

/**
 * Returns the values unchanged.
 * @param what what the values are, for the error
 * @throws BadUserInput for more than 100 values
 */
export function checkLength<T>(argument: string, what: string, values: readonly T[]): readonly T[] {
  if (values.length > MAX_IDS) {
    throw new BadUserInput(
      `\`${argument}\` names ${values.length} ${what}: at most ${MAX_IDS} are accepted.`,
    );
  }
  return values;
}

/** A filter in canonical form: filters that differ only in the order of keys or values have the same one. */
export function canonicalFilter(filter: AssistantFilter | ThreadFilter | RunFilter): string {
  const conditions: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(filter)) {
    if (value != null) conditions[key] = Array.isArray(value) ? sortedSet(value.map(String)) : value;
  }
  // A filter that matches nothing is not serialized: it may be nested too deeply.
  if (filter.metadata != null && !canMatch(filter.metadata)) conditions.metadata = null;
  return JSON.stringify(conditions, (_, value: unknown) => (isObject(value) ? sortKeys(value) : value));
}

function all<R>(...conditions: Match<R>[]): Match<R> {
  const given = conditions.filter((condition) => condition !== null);
  if (given.includes(MATCH_NOTHING)) return MATCH_NOTHING;
  const [only] = given;
  if (only === undefined) return null;
  return given.length === 1 ? only : (record) => given.every((condition) => condition(record));
}

function oneOf<R>(accepted: readonly string[], valueOf: (record: R) => string): Match<R> {
  if (accepted.length === 0) return MATCH_NOTHING;
  const set = new Set(accepted);
  return (record) => set.has(valueOf(record));
}

function isChildOf(parent: NonNullable<RunFilter['parent']>): Match<Run> {
  if ('threadId' in parent) return (run) => run.threadId === parent.threadId;
  return (run) => run.assistantId === parent.assistantId;
}

function matchName(part: string): Match<Assistant> {
  // A lone surrogate is in no name, though `includes` would find it as half of a character.
  if (!isStorableText(part)) return MATCH_NOTHING;
  const folded = foldCase(part);
  return (assistant) => foldCase(assistant.name).includes(folded);
}

function matchMetadata(filter: JsonObject): Match<{ metadata: JsonObject }> {
  if (!canMatch(filter)) return MATCH_NOTHING;
  return (record) => contains(record.metadata, filter);
}

function sortKeys(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => compareCodePoints(a, b)));
}

function sortedSet(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted(compareCodePoints);
}
