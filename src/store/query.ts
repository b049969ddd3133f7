import type { JsonObject, RunStatus, ThreadStatus } from './records.ts';

/** Which assistants to keep: all conditions that are given must hold, and a null is not given. */
export interface AssistantFilter {
  readonly ids?: readonly string[] | null | undefined;
  readonly graphId?: string | null | undefined;
  readonly nameContains?: string | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
}

/** Which threads to keep: all conditions that are given must hold, and a null is not given. */
export interface ThreadFilter {
  readonly ids?: readonly string[] | null | undefined;
  readonly status?: readonly ThreadStatus[] | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
}

/** Which runs to keep: all conditions that are given must hold, and a null is not given. */
export interface RunFilter {
  readonly ids?: readonly string[] | null | undefined;
  readonly threadId?: string | null | undefined;
  readonly assistantId?: string | null | undefined;
  readonly status?: readonly RunStatus[] | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
  /** The thread or the assistant whose runs are listed: a condition beside the caller's own. */
  readonly parent?: { readonly threadId: string } | { readonly assistantId: string } | undefined;
}

/** Every field that something can be sorted by. */
export type OrderField = 'CREATED_AT' | 'UPDATED_AT' | 'NAME';
/** What assistants can be sorted by. */
export type AssistantOrderField = OrderField;
/** What threads can be sorted by. */
export type ThreadOrderField = Exclude<OrderField, 'NAME'>;
/** What runs can be sorted by. */
export type RunOrderField = Exclude<OrderField, 'NAME'>;

/** An order; ties are broken by id, in the same direction. */
export interface Order<Field extends OrderField = OrderField> {
  readonly field: Field;
  readonly direction: 'ASC' | 'DESC';
}

/** Which page of a list: `first` and `after` go forward, `last` and `before` backward; 20 items when none is given. */
export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** A page of a filtered list in an order. */
export interface ListQuery<Filter, Field extends OrderField> extends PageArgs {
  readonly filter?: Filter | null | undefined;
  readonly orderBy: Order<Field>;
}

/** A page, and where it stands in its list. */
export interface Page<R> {
  readonly items: readonly R[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** The cursor of one of the page's items: made when asked for, since it is signed. */
  cursorOf(item: R): string;
}
