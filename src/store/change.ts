import type { Assistant, Run, Thread } from './records.ts';

/** What happened to one record: created (nothing before), updated, or deleted (nothing after). */
export type Change =
  | { readonly resource: 'assistant'; readonly before: Assistant | null; readonly after: Assistant | null }
  | { readonly resource: 'thread'; readonly before: Thread | null; readonly after: Thread | null }
  | { readonly resource: 'run'; readonly before: Run | null; readonly after: Run | null };

/** The kinds of resources, each after those that its records refer to. */
export const RESOURCES: readonly Change['resource'][] = ['assistant', 'thread', 'run'];

/** A change of one kind of resource. */
export type ChangeOf<Resource extends Change['resource']> = Extract<Change, { readonly resource: Resource }>;
