import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Context } from './context.ts';
import { checkLength } from '../store/rules/filter.ts';
import { builder } from './builder.ts';
import { ownerOf } from './owner-of.ts';
import type { AnyResource } from './refs.ts';

/** The interface of all resources. */
export const NodeRef = builder.interfaceRef<AnyResource>('Node').implement({
  description: 'A resource that can be fetched again by its id alone.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID v4 as 32 lowercase hex digits, unique across all types.' }),
  }),
  resolveType(resource) {
    if ('graphId' in resource) return 'Assistant';
    return 'threadId' in resource ? 'Run' : 'Thread';
  },
});

builder.queryFields((t) => ({
  node: t.field({
    description: 'Any resource by its id.',
    type: NodeRef,
    nullable: true,
    args: { id: t.arg.id({ required: true, description: 'The id of an assistant, a thread or a run.' }) },
    resolve: (_, { id }, context) => andThen(findNodes(context, [id]), ([node]) => node ?? null),
  }),
  nodes: t.field({
    description: 'Resources by id, in the order asked for, null where there is none; 100 at most.',
    type: [NodeRef],
    nullable: { list: false, items: true },
    args: { ids: t.arg.idList({ required: true, description: 'Ids of assistants, threads or runs.' }) },
    resolve: (_, { ids }, context) => findNodes(context, checkLength('ids', 'ids', ids)),
  }),
}));

function findNodes(context: Context, ids: readonly string[]): MaybePromise<readonly (AnyResource | null)[]> {
  const { assistants, threads, runs } = context.stores;
  const owner = ownerOf(context);
  return andThen(threads.getMany(owner, ids), (asThreads) =>
    andThen(runs.getMany(owner, ids), (asRuns) =>
      andThen(assistants.getMany(owner, ids), (asAssistants) =>
        ids.map((_, index) => asThreads[index] ?? asRuns[index] ?? asAssistants[index] ?? null),
      ),
    ),
  );
}
