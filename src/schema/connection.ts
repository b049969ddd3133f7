import { PLAIN_TEXT } from '../lib/field-extensions.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Owner } from '../store/owner.ts';
import type { ListQuery, OrderField, Page } from '../store/query.ts';
import type { Store } from '../store/stores.ts';
import { builder } from './builder.ts';
import { type AnyResource, type Ref, wordsFor } from './refs.ts';

/** A page of a list. */
export interface Connection<R> {
  readonly page: Page<R>;
  /** The number of matches over all pages, computed when it is selected. */
  count(): MaybePromise<number>;
}

interface Edge<R> {
  readonly page: Page<R>;
  readonly node: R;
}

/** Defines the connection and edge types of a resource. */
export function defineConnection(node: Ref<AnyResource>): Ref<Connection<AnyResource>> {
  const { noun, article } = wordsFor(node);
  const edge = builder.objectRef<Edge<AnyResource>>(`${node.name}Edge`).implement({
    description: `${article.charAt(0).toUpperCase()}${article.slice(1)} ${noun} in a page.`,
    fields: (t) => ({
      cursor: t.string({
        description: 'Opaque position, good for the same filter and order.',
        resolve: (parent) => parent.page.cursorOf(parent.node),
        extensions: { [PLAIN_TEXT]: true },
      }),
      node: t.field({
        description: `The ${noun}.`,
        type: node,
        resolve: (parent) => parent.node,
      }),
    }),
  });
  return builder.objectRef<Connection<AnyResource>>(`${node.name}Connection`).implement({
    description: `A page of ${noun}s.`,
    fields: (t) => ({
      edges: t.field({
        description: `The ${noun}s with their cursors.`,
        type: [edge],
        resolve: ({ page }) => page.items.map((item) => ({ page, node: item })),
      }),
      nodes: t.field({
        description: `The ${noun}s alone.`,
        type: [node],
        resolve: ({ page }) => page.items,
      }),
      pageInfo: t.field({
        description: 'Where the page stands in the list.',
        type: PageInfoRef,
        resolve: ({ page }) => page,
      }),
      totalCount: t.int({
        description: 'Matches over all pages.',
        resolve: (connection) => connection.count(),
      }),
    }),
  });
}

const PageInfoRef = builder.objectRef<Page<AnyResource>>('PageInfo').implement({
  description: 'Where a page stands in its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether items follow.' }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', { description: 'Whether items precede.' }),
    startCursor: t.string({
      description: "The first item's cursor; null on an empty page.",
      nullable: true,
      resolve: (page) => cursorOrNull(page, page.items[0]),
    }),
    endCursor: t.string({
      description: "The last item's cursor; null on an empty page.",
      nullable: true,
      resolve: (page) => cursorOrNull(page, page.items.at(-1)),
    }),
  }),
});

/** The arguments that select a page of a list. */
export const pageArgs = builder.args((t) => ({
  first: t.int({ description: 'How many items from the start of the list, 0 to 100. Default: 20.' }),
  after: t.string({ description: 'With `first`: only items after this cursor.' }),
  last: t.int({ description: 'How many items from the end of the list, 0 to 100.' }),
  before: t.string({ description: 'With `last`: only items before this cursor.' }),
}));

/** The default order of lists. */
export const NEWEST_FIRST = { field: 'CREATED_AT', direction: 'DESC' } as const;

/** Direction of a sort. */
export const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Direction of a sort.',
  values: {
    ASC: { description: 'Smallest or oldest first.' },
    DESC: { description: 'Largest or newest first.' },
  } as const,
});

/** Reads a page of a store's list. */
export function connect<R, Filter, Field extends OrderField>(
  store: Pick<Store<R, never, never, Filter, Field>, 'list' | 'count'>,
  owner: Owner,
  query: ListQuery<Filter, Field>,
): MaybePromise<Connection<R>> {
  const count = (): MaybePromise<number> => store.count(owner, query.filter ?? null);
  return andThen(store.list(owner, query), (page) => ({ page, count }));
}

function cursorOrNull<R>(page: Page<R>, item: R | undefined): string | null {
  return item === undefined ? null : page.cursorOf(item);
}
