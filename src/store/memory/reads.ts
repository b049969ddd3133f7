import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import type { Owner } from '../owner.ts';
import type { AssistantFilter, OrderField, RunFilter, ThreadFilter } from '../query.ts';
import { cursorScope } from '../rules/cursor-scope.ts';
import type { Match } from '../rules/filter.ts';
import { positionOf, type Sortable } from '../rules/order.ts';
import { pageOf, readPageArgs } from '../rules/page.ts';
import type { Store } from '../stores.ts';
import type { Database } from './database.ts';
import type { OwnerPartition } from './owner-partition.ts';
import { countMatches, findMatches } from './scan.ts';
import { SortedIndex } from './sorted-index.ts';
import type { Table } from './table.ts';

/** What the reads of a resource differ in. */
interface ReadSource<R extends Sortable, Filter> {
  readonly resource: 'assistant' | 'thread' | 'run';
  table(partition: OwnerPartition): Table<R>;
  match(filter: Filter): Match<R>;
  /** A smaller index with all records that a filter keeps; null where there is none. */
  narrow?(partition: OwnerPartition, filter: Filter): Selection<R> | null;
}

/** An index, and which of its records are selected. */
export interface Selection<R extends Sortable> {
  readonly index: SortedIndex<R>;
  readonly match: Match<R>;
}

type AnyFilter = AssistantFilter | ThreadFilter | RunFilter;
type Reads<R, Filter, Field extends OrderField> = Pick<
  Store<R, never, never, Filter, Field>,
  'get' | 'getMany' | 'list' | 'count'
>;

/** The methods of a store that only read. */
export function createReads<R extends Sortable, Filter extends AnyFilter, Field extends OrderField>(
  database: Database,
  source: ReadSource<R, Filter>,
): Reads<R, Filter, Field> {
  function select(owner: Owner, filter: Filter | null | undefined, field: OrderField): Selection<R> {
    const partition = database.partition(owner);
    const table = source.table(partition);
    if (filter == null) return { index: table.index, match: null };
    if (filter.ids == null) {
      return source.narrow?.(partition, filter) ?? { index: table.index, match: source.match(filter) };
    }
    const match = source.match(filter);
    return { index: indexOf(table, field, filter.ids), match };
  }

  return {
    get(owner, id) {
      return source.table(database.partition(owner)).get(id);
    },
    getMany(owner, ids) {
      const table = source.table(database.partition(owner));
      return ids.map((id) => table.get(id));
    },
    list(owner, query) {
      const request = readPageArgs(query);
      const { field, direction } = query.orderBy;
      const { index, match } = select(owner, query.filter, field);
      const scope = cursorScope(source.resource, owner, query.orderBy, query.filter ?? {});
      const position =
        request.cursor === null
          ? undefined
          : database.cursors.decode(scope(), request.forward ? 'after' : 'before', request.cursor);

      const ascending = (direction === 'ASC') === request.forward;
      const range = { field, ascending, from: position && { position, inclusive: false } };
      const preceding = { field, ascending: !ascending, from: position && { position, inclusive: true } };
      return andThen(findMatches(index, range, match, request.size + 1), (found) =>
        andThen(findMatches(index, preceding, match, position === undefined ? 0 : 1), ({ length }) =>
          pageOf(request, found, length > 0, (item) =>
            database.cursors.encode(scope(), positionOf(item, field)),
          ),
        ),
      );
    },
    count(owner, filter): MaybePromise<number> {
      const { index, match } = select(owner, filter, 'CREATED_AT');
      return countMatches(index, match);
    },
  };
}

/** An index of the records with these ids, in one order. */
function indexOf<R extends Sortable>(
  table: Table<R>,
  field: OrderField,
  ids: readonly string[],
): SortedIndex<R> {
  const index = new SortedIndex<R>([field]);
  for (const id of new Set(ids)) index.replace(null, table.get(id));
  return index;
}
