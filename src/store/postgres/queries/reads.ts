import type { Owner } from '../../owner.ts';
import type { OrderField, Page } from '../../query.ts';
import { cursorScope } from '../../rules/cursor-scope.ts';
import { type Match, MATCH_NOTHING } from '../../rules/filter.ts';
import { isId } from '../../rules/identity.ts';
import { positionOf, type Sortable } from '../../rules/order.ts';
import { pageOf, readPageArgs } from '../../rules/page.ts';
import type { Store } from '../../stores.ts';
import { BatchLoader } from '../client/batch-loader.ts';
import type { AnyFilter } from './conditions.ts';
import { countRecords } from './count-records.ts';
import type { StoreDependencies } from './dependencies.ts';
import { findByIds } from '../tables/find-by-ids.ts';
import type { KeysetRange } from './keyset.ts';
import { countByParent, type ParentColumn, parentFilter, readFirstPages } from './lists-by-parent.ts';
import { prepareList } from './read-list.ts';
import { TABLES } from '../tables/tables.ts';

/** What the reads of a resource differ in. */
interface ReadSource<R, Filter> {
  readonly resource: keyof typeof TABLES;
  /** Checks a filter. Throws `BadUserInput` for one that is not accepted. */
  match(filter: Filter): Match<R>;
  /** The id in a record's parent column, for records that are listed by parent. */
  readonly parentOf?: (record: R, column: ParentColumn) => string | null;
}

type Reads<R, Filter, Field extends OrderField> = Pick<
  Store<R, never, never, Filter, Field>,
  'get' | 'getMany' | 'list' | 'count'
>;

/**
 * The methods of a store that only read. Look-ups by id, lists and counts by parent that are asked for at the same time
 * are answered by one statement.
 */
export function createReads<R extends Sortable, Filter extends AnyFilter, Field extends OrderField>(
  { reader, cursors }: Pick<StoreDependencies, 'reader' | 'cursors'>,
  { resource, match, parentOf = () => null }: ReadSource<R, Filter>,
): Reads<R, Filter, Field> {
  const table = TABLES[resource];
  const records = new BatchLoader<string, R | null>(reader);
  const firstPages = new BatchLoader<string, readonly R[]>(reader);
  const counts = new BatchLoader<string, number>(reader);

  /** Whether no record can match. Throws `BadUserInput` for a filter that is not accepted. */
  function matchesNothing(filter: Filter): boolean {
    const parent = parentFilter(filter);
    return match(filter) === MATCH_NOTHING || (parent !== null && !isId(parent.id));
  }

  function get(owner: Owner, id: string): Promise<R | null> {
    if (!isId(id)) return Promise.resolve(null);
    return records.load(owner, '', id, (tx, ids) => findByIds<R>(tx, owner, table, ids));
  }

  return {
    get,
    getMany: (owner, ids) => Promise.all(ids.map((id) => get(owner, id))),
    list(owner, query) {
      const request = readPageArgs(query);
      const { size, forward, cursor } = request;
      const { field, direction } = query.orderBy;
      const filter: Filter | null = query.filter ?? null;
      const isEmpty = filter !== null && matchesNothing(filter);
      const scope = cursorScope(resource, owner, query.orderBy, filter ?? {});
      const from = cursor === null ? null : cursors.decode(scope(), forward ? 'after' : 'before', cursor);
      const page = (found: readonly R[], hasPrevious: boolean): Page<R> =>
        pageOf(request, found, hasPrevious, (item) => cursors.encode(scope(), positionOf(item, field)));
      if (isEmpty) return page([], false);

      const ascending = (direction === 'ASC') === forward;
      const range: KeysetRange = { field, ascending, from, inclusive: false, limit: size + 1 };
      const parent = from === null ? parentFilter(filter) : null;
      if (parent !== null) {
        const { id, ...lists } = parent;
        const kind = JSON.stringify([lists, range]);
        return firstPages
          .load(owner, kind, id, (tx, ids) =>
            readFirstPages<R>(tx, owner, table, { ...lists, ids }, range, (record) =>
              parentOf(record, lists.column),
            ),
          )
          .then((found) => page(found, false));
      }
      return reader.read(owner, async (tx) => {
        const readRange = await prepareList<R>(tx, owner, table, filter ?? {});
        const before: KeysetRange = { field, ascending: !ascending, from, inclusive: true, limit: 1 };
        const [found, previous] = await Promise.all([
          readRange(range),
          from === null ? [] : readRange(before),
        ]);
        return page(found, previous.length > 0);
      });
    },
    count(owner, filter) {
      if (filter != null && matchesNothing(filter)) return 0;
      const parent = parentFilter(filter ?? null);
      if (parent === null) return reader.read(owner, (tx) => countRecords(tx, owner, table, filter ?? {}));
      const { id, ...lists } = parent;
      return counts.load(owner, JSON.stringify(lists), id, (tx, ids) =>
        countByParent(tx, owner, table, { ...lists, ids }),
      );
    },
  };
}
