import { BadUserInput } from '../bad-user-input.ts';
import type { Page, PageArgs } from '../query.ts';

/** The number of items of a page when none is given. */
export const DEFAULT_PAGE = 20;
/** The maximum number of items of a page. */
export const MAX_PAGE = 100;

/** The checked arguments of a page: `size` items after the cursor, or before it where `forward` is false. */
export interface PageRequest {
  readonly size: number;
  readonly forward: boolean;
  /** Null for the start of the list, or its end where `forward` is false. */
  readonly cursor: string | null;
}

/** Checks the arguments of a page. @throws BadUserInput where they contradict each other or are out of range */
export function readPageArgs({ first, after, last, before }: PageArgs): PageRequest {
  const forward = last == null && before == null;
  if (!forward) {
    if (first != null && last != null) throw contradiction('first', 'last');
    if (first != null) throw contradiction('first', 'before');
    if (after != null) throw contradiction('after', last == null ? 'before' : 'last');
  }
  const size = (forward ? first : last) ?? DEFAULT_PAGE;
  if (!Number.isInteger(size) || size < 0 || size > MAX_PAGE) {
    throw new BadUserInput(`\`${forward ? 'first' : 'last'}\` must be a number from 0 to ${MAX_PAGE}.`);
  }
  return { size, forward, cursor: (forward ? after : before) ?? null };
}

/**
 * A page of a list.
 * @param found the items in the page's direction: one more than its size, where there is one
 * @param hasPreceding whether there are items on the other side of the cursor
 */
export function pageOf<R>(
  { size, forward }: PageRequest,
  found: readonly R[],
  hasPreceding: boolean,
  cursorOf: Page<R>['cursorOf'],
): Page<R> {
  const items = forward ? found.slice(0, size) : found.slice(0, size).toReversed();
  const more = found.length > items.length;
  const [first] = items;
  const last = items.at(-1);
  // The cursors of both ends are usually read twice: for the edges, and for `pageInfo`.
  let start: string | null = null;
  let end: string | null = null;
  return {
    items,
    hasNextPage: forward ? more : hasPreceding,
    hasPreviousPage: forward ? hasPreceding : more,
    cursorOf(item) {
      if (item === first) return (start ??= cursorOf(item));
      return item === last ? (end ??= cursorOf(item)) : cursorOf(item);
    },
  };
}

function contradiction(one: string, other: string): BadUserInput {
  return new BadUserInput(
    `\`${one}\` and \`${other}\` cannot be given together: page forward with \`first\` and \`after\`, ` +
      'or backward with `last` and `before`.',
  );
}
