import type { Owner } from '../../owner.ts';

/** Groups ids by owner, each once, in the order in which they come: a statement reads the rows of one owner. */
export function idsByOwner(
  refs: Iterable<{ readonly owner: Owner; readonly id: string }>,
): ReadonlyMap<Owner, readonly string[]> {
  const byOwner = new Map<Owner, Set<string>>();
  for (const { owner, id } of refs) {
    const ids = byOwner.get(owner);
    if (ids === undefined) byOwner.set(owner, new Set([id]));
    else ids.add(id);
  }
  return new Map(Array.from(byOwner, ([owner, ids]) => [owner, [...ids]]));
}
