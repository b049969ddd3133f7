import { BadUserInput } from '../bad-user-input.ts';
import type { Page, PageArgs } from '../query.ts';

/** Items of a page when none is asked for. */
export const DEFAULT_PAGE = 20;
/** Items of a page at most. */
export const MAX_PAGE = 100;

/** A page as it was asked for: so many items after a cursor (forward) or before one, or from the list's end. */
export interface PageRequest {
  readonly size: number;
  readonly forward: boolean;
  readonly cursor: string | null;
}

/** Reads the arguments of a page. Throws `BadUserInput` where they contradict each other or are out of range. */
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
 * The page of a list.
 * @param found what comes next in its direction: one item more than its size, where there is one
 * @param passed whether there is something the other way
 */
export function pageOf<R>(
  { size, forward }: PageRequest,
  found: readonly R[],
  passed: boolean,
  cursorOf: Page<R>['cursorOf'],
): Page<R> {
  const items = forward ? found.slice(0, size) : found.slice(0, size).toReversed();
  const more = found.length > items.length;
  const [first] = items;
  const last = items.at(-1);
  // Those of both ends are usually asked for twice: with the items, and for the page.
  let start: string | null = null;
  let end: string | null = null;
  return {
    items,
    hasNextPage: forward ? more : passed,
    hasPreviousPage: forward ? passed : more,
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
