import type { Owner } from '../../src/store/owner.ts';
import type { Order, OrderField, Page } from '../../src/store/query.ts';
import type { Assistant, Run, Thread } from '../../src/store/records.ts';
import type { Store, Stores } from '../../src/store/stores.ts';

/** What every resource can be sorted by. */
export type TimeField = Exclude<OrderField, 'NAME'>;

/** A store that can be listed. */
export type Listed<R, Filter, Field extends OrderField> = Pick<
  Store<R, never, never, Filter, Field>,
  'list' | 'count'
>;

/** How lists are sorted unless told. */
export const NEWEST_FIRST = { field: 'CREATED_AT', direction: 'DESC' } as const;

/** All of a list, page by page. */
export async function walk<R, Filter, Field extends OrderField>(
  store: Listed<R, Filter, Field>,
  owner: Owner,
  orderBy: Order<Field>,
  filter: Filter | null = null,
): Promise<readonly R[]> {
  const items: R[] = [];
  let page: Page<R>;
  let after: string | null = null;
  do {
    page = await store.list(owner, { filter, orderBy, first: 100, after });
    items.push(...page.items);
    after = endCursor(page);
  } while (page.hasNextPage);
  return items;
}

/** The cursor of a page's last item. */
export function endCursor<R>(page: Page<R>): string | null {
  const last = page.items.at(-1);
  return last === undefined ? null : page.cursorOf(last);
}

/** The cursor of a page's first item. */
export function startCursor<R>(page: Page<R>): string | null {
  const [first] = page.items;
  return first === undefined ? null : page.cursorOf(first);
}

/** All that an owner has. */
export interface Everything {
  readonly assistants: readonly Assistant[];
  readonly threads: readonly Thread[];
  readonly runs: readonly Run[];
}

/** All that an owner has, newest first. */
export async function everythingOf({ assistants, threads, runs }: Stores, owner: Owner): Promise<Everything> {
  return {
    assistants: await walk(assistants, owner, NEWEST_FIRST),
    threads: await walk(threads, owner, NEWEST_FIRST),
    runs: await walk(runs, owner, NEWEST_FIRST),
  };
}

/** The ids of records. */
export function idsOf(records: readonly { readonly id: string }[]): readonly string[] {
  return records.map(({ id }) => id);
}
