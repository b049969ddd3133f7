import type { RunPayloads } from '../store/execution.ts';
import { builder } from './builder.ts';
import { type AnyResource, type Ref, wordsFor, type WithPayloads } from './refs.ts';

/** The event of a change. */
export interface ResourceChange<R extends AnyResource = AnyResource> {
  readonly kind: 'CREATED' | 'UPDATED' | 'DELETED';
  /** The resource right after the change; as it was last when it was deleted. */
  readonly latest: R;
}

const ChangeKind = builder.enumType('ChangeKind', {
  description: 'What happened to a resource.',
  values: {
    CREATED: { description: 'It is new.' },
    UPDATED: { description: 'Something about it is different now.' },
    DELETED: { description: 'It is gone.' },
  } as const satisfies Record<ResourceChange['kind'], object>,
});

/**
 * Defines the event type of a resource. It has no `id`: a normalising cache, such as Relay's, would take the event for
 * the record.
 */
export function defineChange<R extends AnyResource>(resource: Ref<AnyResource>): Ref<ResourceChange<R>> {
  const { noun } = wordsFor(resource);
  const ref = builder.objectRef<ResourceChange<R>>(`${resource.name}Change`);
  return ref.implement({
    description: `Something that happened to one of the caller's ${noun}s.`,
    fields: (t) => ({
      kind: t.expose('kind', { type: ChangeKind, description: 'What happened.' }),
      [`${noun}Id`]: t.id({ description: `The ${noun}'s id.`, resolve: ({ latest }) => latest.id }),
      [noun]: t.field({
        description: `The ${noun} after the change; null once deleted.`,
        type: resource,
        nullable: true,
        resolve: ({ kind, latest }) => (kind === 'DELETED' ? null : latest),
      }),
      [`deleted${resource.name}Id`]: t.id({
        description: `The ${noun}'s id when this deleted it, for a cache to drop it; null otherwise.`,
        nullable: true,
        resolve: ({ kind, latest }) => (kind === 'DELETED' ? latest.id : null),
      }),
    }),
  });
}

/**
 * The event of a change; null where the subscription is not for this resource.
 * @param payloads those that the record shows. Default: they are read from the store.
 */
export function changeEvent<R extends AnyResource>(
  { before, after }: { readonly before: R | null; readonly after: R | null },
  wanted: (resource: R) => boolean,
  payloads: RunPayloads | null = null,
): ResourceChange<R & WithPayloads> | null {
  const record = after ?? before;
  if (record === null || !wanted(record)) return null;
  const latest = payloads === null ? record : { ...record, payloads };
  if (before === null) return { kind: 'CREATED', latest };
  return { kind: after === null ? 'DELETED' : 'UPDATED', latest };
}
