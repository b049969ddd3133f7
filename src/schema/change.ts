import { builder } from './builder.ts';
import { type AnyResource, type Ref, wordsFor } from './refs.ts';

/** A change as subscribers see it. */
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

/** Defines the events of a resource. */
export function defineChange<R extends AnyResource>(resource: Ref<AnyResource>): Ref<ResourceChange<R>> {
  const { noun } = wordsFor(resource);
  const ref = builder.objectRef<ResourceChange<R>>(`${resource.name}Change`);
  return ref.implement({
    description: `Something that happened to one of the caller's ${noun}s.`,
    fields: (t) => ({
      kind: t.expose('kind', { type: ChangeKind, description: 'What happened.' }),
      id: t.id({ description: `The ${noun}'s id.`, resolve: ({ latest }) => latest.id }),
      [noun]: t.field({
        description: `The ${noun} after the change; null once deleted.`,
        type: resource,
        nullable: true,
        resolve: ({ kind, latest }) => (kind === 'DELETED' ? null : latest),
      }),
    }),
  });
}

/** A change as its subscribers see it; null to those who do not want this resource. */
export function seeChange<R extends AnyResource>(
  { before, after }: { readonly before: R | null; readonly after: R | null },
  wanted: (resource: R) => boolean,
): ResourceChange<R> | null {
  const latest = after ?? before;
  if (latest === null || !wanted(latest)) return null;
  if (before === null) return { kind: 'CREATED', latest };
  return { kind: after === null ? 'DELETED' : 'UPDATED', latest };
}
