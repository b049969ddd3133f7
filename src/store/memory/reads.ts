import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import type { Owner } from '../owner.ts';
import type { AssistantFilter, OrderField, RunFilter, ThreadFilter } from '../query.ts';
import type { Match } from '../rules/filter.ts';
import { listName } from '../rules/list-name.ts';
import { positionOf, type Sortable } from '../rules/order.ts';
import { pageOf, readPageArgs } from '../rules/page.ts';
import type { Store } from '../stores.ts';
import type { Database } from './database.ts';
import { countMatches, findMatches } from './scan.ts';
import type { Shelf, Table } from './shelf.ts';
import { SortedLists } from './sorted-lists.ts';

/** Where the records of a resource are, and which of them a filter keeps. */
interface Source<R extends Sortable, Filter> {
  readonly resource: 'assistant' | 'thread' | 'run';
  table(shelf: Shelf): Table<R>;
  match(filter: Filter): Match<R>;
  /** A list shorter than the whole that holds all that a filter keeps, if there is one. */
  narrow?(shelf: Shelf, filter: Filter): Selection<R> | null;
}

/** A list, and which of its records are wanted. */
export interface Selection<R extends Sortable> {
  readonly lists: SortedLists<R>;
  readonly match: Match<R>;
}

type AnyFilter = AssistantFilter | ThreadFilter | RunFilter;
type Reads<R, Filter, Field extends OrderField> = Pick<
  Store<R, never, never, Filter, Field>,
  'get' | 'getMany' | 'list' | 'count'
>;

/** The reads of a store, which are the same for each resource. */
export function createReads<R extends Sortable, Filter extends AnyFilter, Field extends OrderField>(
  database: Database,
  source: Source<R, Filter>,
): Reads<R, Filter, Field> {
  function select(owner: Owner, filter: Filter | null | undefined, field: OrderField): Selection<R> {
    const shelf = database.shelf(owner);
    const table = source.table(shelf);
    if (filter == null) return { lists: table.lists, match: null };
    if (filter.ids == null) {
      return source.narrow?.(shelf, filter) ?? { lists: table.lists, match: source.match(filter) };
    }
    const match = source.match(filter);
    return { lists: pick(table, field, filter.ids), match };
  }

  return {
    get(owner, id) {
      return source.table(database.shelf(owner)).get(id);
    },
    getMany(owner, ids) {
      const table = source.table(database.shelf(owner));
      return ids.map((id) => table.get(id));
    },
    list(owner, query) {
      const request = readPageArgs(query);
      const { field, direction } = query.orderBy;
      const { lists, match } = select(owner, query.filter, field);
      const name = listName(source.resource, owner, query.orderBy, query.filter ?? {});
      const position =
        request.cursor === null
          ? undefined
          : database.cursors.decode(name(), request.forward ? 'after' : 'before', request.cursor);

      const ascending = (direction === 'ASC') === request.forward;
      const onward = { field, ascending, from: position && { position, inclusive: false } };
      const back = { field, ascending: !ascending, from: position && { position, inclusive: true } };
      return andThen(findMatches(lists, onward, match, request.size + 1), (found) =>
        andThen(findMatches(lists, back, match, position === undefined ? 0 : 1), (passed) =>
          pageOf(request, found, passed.length > 0, (item) =>
            database.cursors.encode(name(), positionOf(item, field)),
          ),
        ),
      );
    },
    count(owner, filter): MaybePromise<number> {
      const { lists, match } = select(owner, filter, 'CREATED_AT');
      return countMatches(lists, match);
    },
  };
}

/** The records of a table that have one of these ids, as a list in one order. */
function pick<R extends Sortable>(
  table: Table<R>,
  field: OrderField,
  ids: readonly string[],
): SortedLists<R> {
  const lists = new SortedLists<R>([field]);
  for (const id of new Set(ids)) lists.replace(null, table.get(id));
  return lists;
}
