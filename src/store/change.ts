import type { RunPayloads } from './execution.ts';
import type { Assistant, Run, Thread } from './records.ts';

/** The change of one record: created (`before` is null), updated, or deleted (`after` is null). */
export type Change =
  | { readonly resource: 'assistant'; readonly before: Assistant | null; readonly after: Assistant | null }
  | { readonly resource: 'thread'; readonly before: Thread | null; readonly after: Thread | null }
  | { readonly resource: 'run'; readonly before: Run | null; readonly after: Run | null };

/**
 * The payloads right after a mutation of the runs that its records show, by the run's id: those of the changed runs, and of
 * the runs whose output changed threads have as values.
 */
export type ShownPayloads = ReadonlyMap<string, RunPayloads>;

/** The id of the run whose payloads a record shows; null where it shows none. */
export function payloadRunId({ resource, after }: Change): string | null {
  if (resource === 'assistant' || after === null) return null;
  return resource === 'run' ? after.id : after.valuesRunId;
}

/** The kinds of resources, each after those that its records refer to. */
export const RESOURCES: readonly Change['resource'][] = ['assistant', 'thread', 'run'];

/** A change of one kind of resource. */
export type ChangeOf<Resource extends Change['resource']> = Extract<Change, { readonly resource: Resource }>;

/** The creation of a record. */
export type Creation =
  | { readonly resource: 'assistant'; readonly before: null; readonly after: Assistant }
  | { readonly resource: 'thread'; readonly before: null; readonly after: Thread }
  | { readonly resource: 'run'; readonly before: null; readonly after: Run };
