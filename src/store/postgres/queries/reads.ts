import type { Owner } from '../../owner.ts';
import type { OrderField, Page } from '../../query.ts';
import type { Cursors } from '../../rules/cursor.ts';
import { type Match, NOTHING } from '../../rules/filter.ts';
import { isId } from '../../rules/identity.ts';
import { listName } from '../../rules/list-name.ts';
import { type Position, positionOf, type Sortable } from '../../rules/order.ts';
import { pageOf, readPageArgs } from '../../rules/page.ts';
import type { Store } from '../../stores.ts';
import { Batches } from '../client/batches.ts';
import { idArray, type Sql } from '../client/connect.ts';
import type { Transaction } from '../client/pool.ts';
import { ORDER_COLUMNS, TABLES } from './rows.ts';
import { all, type AnyFilter, type Condition, conditionsOf, searching } from './search.ts';
import type { Reader } from '../client/session.ts';

/** Which records a store reads, and which of them a filter keeps. */
interface Source<R, Filter> {
  readonly resource: keyof typeof TABLES;
  /** Throws `BadUserInput` for a filter that cannot be. */
  match(filter: Filter): Match<R>;
  /** The parent of a record that is listed by its parents. */
  readonly parentOf?: (record: R, column: ParentColumn) => string | null;
}

/** A walk through a list, from a position on. */
interface Walk {
  readonly field: OrderField;
  readonly ascending: boolean;
  /** Null for the end of the list. */
  readonly from: Position | null;
  readonly limit: number;
}

/** The first records of a walk. @param inclusive whether one at its very start counts */
type Walker<R> = (walk: Walk, inclusive: boolean) => Promise<readonly R[]>;

/** Matches of a search up to which they are found by its index and then sorted; beyond, the list is walked in order. */
const FEW = 1_000;

type Reads<R, Filter, Field extends OrderField> = Pick<
  Store<R, never, never, Filter, Field>,
  'get' | 'getMany' | 'list' | 'count'
>;

/** The reads of a store, which are the same for each resource. */
export function createReads<R extends Sortable, Filter extends AnyFilter, Field extends OrderField>(
  reader: Reader,
  cursors: Cursors,
  { resource, match, parentOf = () => null }: Source<R, Filter>,
): Reads<R, Filter, Field> {
  const table = TABLES[resource];
  const looked = new Batches<string, R | null>(reader);
  const listed = new Batches<string, readonly R[]>(reader);
  const counted = new Batches<string, number>(reader);

  function keepsNothing(filter: Filter): boolean {
    const siblings = siblingsOf(filter);
    return match(filter) === NOTHING || (siblings !== null && !isId(siblings.id));
  }

  async function byIds(
    { sql, run }: Transaction,
    owner: Owner,
    ids: readonly string[],
  ): Promise<(R | null)[]> {
    const rows = await run(sql<R[]>`SELECT ${sql.unsafe(table.columns)} FROM ${sql.unsafe(table.name)}
      WHERE owner = ${owner} AND id = ANY(${idArray(ids)}::uuid[])`);
    const known = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => known.get(id) ?? null);
  }

  function get(owner: Owner, id: string): Promise<R | null> {
    if (!isId(id)) return Promise.resolve(null);
    return looked.load(owner, '', id, (tx, ids) => byIds(tx, owner, ids));
  }

  function selectWalk(sql: Sql, conditions: readonly Condition[], walk: Walk, inclusive: boolean) {
    return sql<R[]>`SELECT ${sql.unsafe(table.columns)} FROM ${sql.unsafe(table.name)}
      WHERE ${all(sql, [...conditions, ...fromOn(sql, walk, inclusive)])} ${orderAndLimit(sql, walk)}`;
  }

  /**
   * The same among few records: they are looked up by their ids and then sorted. Without the OFFSET, a planner that
   * takes the owner's records for few would walk through all of them in order.
   */
  function selectAmong(
    sql: Sql,
    owner: Owner,
    ids: readonly string[],
    conditions: readonly Condition[],
    walk: Walk,
    inclusive: boolean,
  ) {
    return sql<R[]>`SELECT ${sql.unsafe(table.columns)} FROM (
        SELECT * FROM ${sql.unsafe(table.name)}
        WHERE owner = ${owner} AND id = ANY(${idArray(ids)}::uuid[]) OFFSET 0
      ) AS found
      WHERE ${all(sql, [...conditions, ...fromOn(sql, walk, inclusive)])} ${orderAndLimit(sql, walk)}`;
  }

  /** Gets ready to walk through the records that a filter keeps, from anywhere in either direction. */
  async function walker(tx: Transaction, owner: Owner, filter: AnyFilter): Promise<Walker<R>> {
    const { sql, run } = tx;
    const conditions = conditionsOf(sql, owner, filter);
    if (conditions === null) return async () => [];
    const { ids, metadata } = filter;
    const own = sql`owner = ${owner}`;
    if (ids != null) {
      const known = ids.filter(isId);
      return (walk, inclusive) => run(selectAmong(sql, owner, known, [own, ...conditions], walk, inclusive));
    }
    if (metadata == null) {
      return (walk, inclusive) => run(selectWalk(sql, [own, ...conditions], walk, inclusive));
    }
    const inOrder: Walker<R> = (walk, inclusive) =>
      searching(tx, owner, metadata, 'in order', (its) =>
        run(selectWalk(sql, [its, ...conditions], walk, inclusive)),
      );
    if (isOfOne(filter)) return inOrder;
    const few = await searching(tx, owner, metadata, 'by labels', (its) =>
      run(sql<{ id: string }[]>`SELECT id FROM ${sql.unsafe(table.name)}
        WHERE ${all(sql, [its, ...conditions])} LIMIT ${FEW + 1}`),
    );
    if (few.length > FEW) return inOrder;
    const found = few.map(({ id }) => id);
    return (walk, inclusive) => run(selectAmong(sql, owner, found, [own], walk, inclusive));
  }

  /** The same page of the lists of several parents, each walked by itself: one statement for all. */
  async function findOfEach(
    { sql, run }: Transaction,
    owner: Owner,
    { filter, column, ids }: Siblings,
    walk: Walk,
  ): Promise<readonly (readonly R[])[]> {
    const conditions = conditionsOf(sql, owner, filter);
    if (conditions === null || walk.limit === 0) return ids.map(() => []);
    const rows = await run(sql<R[]>`SELECT found.* FROM unnest(${idArray(ids)}::uuid[]) AS parents (parent)
      CROSS JOIN LATERAL (
        SELECT ${sql.unsafe(table.columns)} FROM ${sql.unsafe(table.name)}
        WHERE ${all(sql, [sql`owner = ${owner}`, sql`${sql(column)} = parents.parent`, ...conditions])} ${orderAndLimit(sql, walk)}
      ) AS found`);
    const pages = new Map<string | null, R[]>();
    for (const row of rows) {
      const parent = parentOf(row, column);
      const page = pages.get(parent);
      if (page === undefined) pages.set(parent, [row]);
      else page.push(row);
    }
    return ids.map((id) => pages.get(id) ?? []);
  }

  /** How many records of each parent a filter keeps. */
  async function countOfEach(
    { sql, run }: Transaction,
    owner: Owner,
    { filter, column, ids }: Siblings,
  ): Promise<readonly number[]> {
    const conditions = conditionsOf(sql, owner, filter);
    if (conditions === null) return ids.map(() => 0);
    const rows = await run(sql<{ count: number }[]>`SELECT counted.count
      FROM unnest(${idArray(ids)}::uuid[]) WITH ORDINALITY AS parents (parent, place)
      CROSS JOIN LATERAL (
        SELECT count(*)::float8 AS count FROM ${sql.unsafe(table.name)}
        WHERE ${all(sql, [sql`owner = ${owner}`, sql`${sql(column)} = parents.parent`, ...conditions])}
      ) AS counted ORDER BY parents.place`);
    return rows.map((row) => row.count);
  }

  async function count(tx: Transaction, owner: Owner, filter: AnyFilter): Promise<number> {
    const { sql, run } = tx;
    const conditions = conditionsOf(sql, owner, filter);
    if (conditions === null) return 0;
    const { metadata } = filter;
    const select = (own: Condition) =>
      run(sql<{ count: number }[]>`SELECT count(*)::float8 AS count FROM ${sql.unsafe(table.name)}
        WHERE ${all(sql, [own, ...conditions])}`);
    const [row] = await (metadata == null || filter.ids != null || isOfOne(filter)
      ? select(sql`owner = ${owner}`)
      : searching(tx, owner, metadata, 'by labels', select));
    return row?.count ?? 0;
  }

  return {
    get,
    getMany: (owner, ids) => Promise.all(ids.map((id) => get(owner, id))),
    list(owner, query) {
      const request = readPageArgs(query);
      const { size, forward, cursor } = request;
      const { field, direction } = query.orderBy;
      const filter: Filter | null = query.filter ?? null;
      const nothing = filter !== null && keepsNothing(filter);
      const name = listName(resource, owner, query.orderBy, filter ?? {});
      const position = cursor === null ? null : cursors.decode(name(), forward ? 'after' : 'before', cursor);

      const page = (found: readonly R[], passed: boolean): Page<R> =>
        pageOf(request, found, passed, (item) => cursors.encode(name(), positionOf(item, field)));
      if (nothing) return page([], false);
      const ascending = (direction === 'ASC') === forward;
      const onward: Walk = { field, ascending, from: position, limit: size + 1 };
      const siblings = position === null ? siblingsOf(filter) : null;
      if (siblings !== null) {
        const kind = JSON.stringify([siblings.column, siblings.filter, onward]);
        const batch = (tx: Transaction, ids: readonly string[]) =>
          findOfEach(tx, owner, { ...siblings, ids }, onward);
        return listed.load(owner, kind, siblings.id, batch).then((found) => page(found, false));
      }
      return reader.read(owner, async (tx) => {
        const back: Walk = { field, ascending: !ascending, from: position, limit: 1 };
        const read = await walker(tx, owner, filter ?? {});
        const [found, passed] = await Promise.all([
          read(onward, false),
          position === null ? [] : read(back, true),
        ]);
        return page(found, passed.length > 0);
      });
    },
    count(owner, filter) {
      if (filter != null && keepsNothing(filter)) return 0;
      const siblings = siblingsOf(filter ?? null);
      if (siblings === null) return reader.read(owner, (tx) => count(tx, owner, filter ?? {}));
      const kind = JSON.stringify([siblings.column, siblings.filter]);
      return counted.load(owner, kind, siblings.id, (tx, ids) =>
        countOfEach(tx, owner, { ...siblings, ids }),
      );
    },
  };
}

/** Whether only the runs of one thread or assistant are asked for, which have indexes of their own. */
function isOfOne({ threadId, assistantId, parent }: AnyFilter): boolean {
  return threadId != null || assistantId != null || parent !== undefined;
}

/** What names the parent of a run. */
type ParentColumn = 'thread_id' | 'assistant_id';

/** The lists of several parents, alike in all else. */
interface Siblings {
  /** What else is asked for. */
  readonly filter: AnyFilter;
  readonly column: ParentColumn;
  readonly ids: readonly string[];
}

/** What a filter asks of the runs of one parent; null where it names none. */
function siblingsOf(filter: AnyFilter | null): (Omit<Siblings, 'ids'> & { readonly id: string }) | null {
  if (filter?.parent === undefined) return null;
  const { parent, ...rest } = filter;
  if ('threadId' in parent) return { filter: rest, column: 'thread_id', id: parent.threadId };
  return { filter: rest, column: 'assistant_id', id: parent.assistantId };
}

/** Where a walk begins; no condition where it begins at the end of the list. */
function fromOn(sql: Sql, { field, ascending, from }: Walk, inclusive: boolean): readonly Condition[] {
  if (from === null) return [];
  const key = field === 'NAME' ? sql`${from.key}` : sql`${from.key}::timestamptz`;
  const operator = `${ascending ? '>' : '<'}${inclusive ? '=' : ''}`;
  return [sql`(${sql(ORDER_COLUMNS[field])}, id) ${sql.unsafe(operator)} (${key}, ${from.id}::uuid)`];
}

/** By a field, then by id, both in the same direction. */
function orderAndLimit(sql: Sql, { field, ascending, limit }: Walk): Condition {
  const direction = sql.unsafe(ascending ? 'ASC' : 'DESC');
  return sql`ORDER BY ${sql(ORDER_COLUMNS[field])} ${direction}, id ${direction} LIMIT ${limit}`;
}
