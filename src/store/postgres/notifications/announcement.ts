import { isOwner, type Owner } from '../../owner.ts';
import { isId } from '../../rules/identity.ts';

/** A run of an owner. */
export interface RunRef {
  readonly owner: Owner;
  readonly id: string;
}

/** What a server announces to the others: runs that can be claimed, or runs with new events. */
export type Announced = { readonly serverId: string } & (
  | { readonly owner: Owner; readonly graphId: string; readonly count: number }
  | { readonly runs: readonly RunRef[] }
);

/**
 * What the payload of a notification announces; null for one of another kind. A payload is `["ready", server, owner,
 * graph, how many]`, or `["events", server, [owner, run], …]`.
 */
export function parseAnnouncement(payload: string): Announced | null {
  if (!payload.startsWith('[')) return null;
  const parsed: unknown = JSON.parse(payload);
  if (!Array.isArray(parsed)) return null;
  const [kind, serverId, ...rest]: unknown[] = parsed;
  if (typeof serverId !== 'string') return null;
  if (kind === 'events') return { serverId, runs: rest.flatMap(parseRun) };
  const [owner, graphId, count] = rest;
  if (kind !== 'ready' || !isOwner(owner) || typeof graphId !== 'string' || typeof count !== 'number')
    return null;
  return { serverId, owner, graphId, count };
}

function parseRun(value: unknown): readonly RunRef[] {
  if (!Array.isArray(value)) return [];
  const [owner, id]: unknown[] = value;
  return isOwner(owner) && typeof id === 'string' && isId(id) ? [{ owner, id }] : [];
}
