import type { Owner } from '../owner.ts';
import type { AssistantFilter, Order, RunFilter, ThreadFilter } from '../query.ts';
import { filterName } from './filter.ts';
import { orderName } from './order.ts';

/** What a cursor is signed for; worked out once, when it is needed. No owner has a U+0000 in it. */
export function listName(
  resource: string,
  owner: Owner,
  orderBy: Order,
  filter: AssistantFilter | ThreadFilter | RunFilter,
): () => string {
  let name: string | undefined;
  return () => (name ??= [resource, owner, orderName(orderBy), filterName(filter)].join('\0'));
}
