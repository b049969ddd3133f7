import type { Owner } from '../owner.ts';
import type { AssistantFilter, Order, RunFilter, ThreadFilter } from '../query.ts';
import { canonicalFilter } from './filter.ts';

/**
 * The scope that a cursor is signed for: it is valid in lists of the same resource, owner, order and filter only. The
 * scope is computed once, when it is first needed.
 */
export function cursorScope(
  resource: string,
  owner: Owner,
  orderBy: Order,
  filter: AssistantFilter | ThreadFilter | RunFilter,
): () => string {
  let scope: string | undefined;
  return () => {
    const order = `${orderBy.field} ${orderBy.direction}`;
    // No part but the last can contain U+0000.
    return (scope ??= [resource, owner, order, canonicalFilter(filter)].join('\0'));
  };
}
