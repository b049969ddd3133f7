import type { JsonObject, RunStatus, ThreadStatus } from './records.ts';

/** A filter on assistants: all conditions that are not null or undefined must hold. */
export interface AssistantFilter {
  readonly ids?: readonly string[] | null | undefined;
  readonly graphId?: string | null | undefined;
  readonly nameContains?: string | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
}

/** A filter on threads: all conditions that are not null or undefined must hold. */
export interface ThreadFilter {
  readonly ids?: readonly string[] | null | undefined;
  readonly status?: readonly ThreadStatus[] | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
}

/** A filter on runs: all conditions that are not null or undefined must hold. */
export interface RunFilter {
  readonly ids?: readonly string[] | null | undefined;
  readonly threadId?: string | null | undefined;
  readonly assistantId?: string | null | undefined;
  readonly status?: readonly RunStatus[] | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
  /** The thread or assistant whose runs are listed, in addition to the caller's conditions. */
  readonly parent?: { readonly threadId: string } | { readonly assistantId: string } | undefined;
}

/** The fields that lists can be sorted by. */
export type OrderField = 'CREATED_AT' | 'UPDATED_AT' | 'NAME';
/** The fields that assistants can be sorted by. */
export type AssistantOrderField = OrderField;
/** The fields that threads can be sorted by. */
export type ThreadOrderField = Exclude<OrderField, 'NAME'>;
/** The fields that runs can be sorted by. */
export type RunOrderField = Exclude<OrderField, 'NAME'>;

/** The order of a list; ties are broken by id, in the same direction. */
export interface Order<Field extends OrderField = OrderField> {
  readonly field: Field;
  readonly direction: 'ASC' | 'DESC';
}

/**
 * The arguments of a page: `first` and `after` page forward, `last` and `before` backward. `first` and `last` are 0 to
 * 100. Default: 20.
 */
export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** A query for a page of a list. */
export interface ListQuery<Filter, Field extends OrderField> extends PageArgs {
  readonly filter?: Filter | null | undefined;
  readonly orderBy: Order<Field>;
}

/** A page of a list. */
export interface Page<R> {
  readonly items: readonly R[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** The cursor of one of the page's items. It is computed on demand, since it is signed. */
  cursorOf(item: R): string;
}
