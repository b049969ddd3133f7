import * as fc from 'fast-check';
import type {
  AssistantFilter,
  Order,
  OrderField,
  RunFilter,
  ThreadFilter,
} from '../../../src/store/query.ts';
import type { Stores } from '../../../src/store/stores.ts';
import type { AnyRecord } from '../../support/records.ts';
import { type Everything, everythingOf, type Listed } from '../../support/walk.ts';
import { expectedList } from './expected.ts';
import { alice } from './world.ts';

/** A filter of any resource. */
export type AnyFilter = AssistantFilter | ThreadFilter | RunFilter;

/** Which list is read: of a resource, in an order, by a filter that may name records that there are. */
export interface ListSpec {
  readonly of: keyof Everything;
  readonly orderBy: Order;
  filter(all: Everything): AnyFilter | null;
}

/** A list, and what should be in it. */
export interface List {
  readonly store: Listed<AnyRecord, AnyFilter, OrderField>;
  readonly orderBy: Order;
  readonly filter: AnyFilter | null;
  /** What should be in it now. */
  expected(): Promise<readonly AnyRecord[]>;
}

/** Every resource in every order by every kind of filter. */
export const listSpecs: fc.Arbitrary<ListSpec> = fc.oneof(
  listSpec(
    'assistants',
    ['CREATED_AT', 'UPDATED_AT', 'NAME', 'NAME'],
    [
      () => null,
      () => ({ metadata: { label: 1 } }),
      () => ({ graphId: 'g0', metadata: {} }),
      () => ({ nameContains: 'b' }),
      ({ assistants }) => ({ ids: someIds(assistants) }),
      ({ assistants }) => ({ ids: someIds(assistants), nameContains: 'B', metadata: { label: 0 } }),
    ],
  ),
  listSpec(
    'threads',
    ['CREATED_AT', 'UPDATED_AT'],
    [
      () => null,
      () => ({ status: ['BUSY'] }),
      () => ({ status: ['IDLE', 'ERROR'], metadata: { label: 0 } }),
      () => ({ metadata: { owner: 'alice' } }),
      ({ threads }) => ({ ids: someIds(threads), status: null }),
    ],
  ),
  listSpec(
    'runs',
    ['CREATED_AT', 'UPDATED_AT'],
    [
      () => null,
      () => ({ status: ['PENDING', 'SUCCESS'] }),
      () => ({ metadata: { label: 1 } }),
      ({ runs }) => ({ ids: someIds(runs) }),
      ({ runs }) => ({ ids: someIds(runs), threadId: runs[0]?.threadId }),
      ({ runs }) => ({ threadId: runs[0]?.threadId }),
      ({ runs }) => ({ assistantId: runs[0]?.assistantId }),
      ({ runs }) => ({ parent: { threadId: runs[0]?.threadId ?? '' } }),
      ({ runs }) => ({ parent: { assistantId: runs[0]?.assistantId ?? '' }, metadata: { label: 0 } }),
      ({ runs }) => ({ parent: { assistantId: runs[0]?.assistantId ?? '' }, threadId: runs[0]?.threadId }),
      ({ runs }) => ({
        threadId: runs[0]?.threadId,
        assistantId: runs[1]?.assistantId,
        status: ['ERROR', 'PENDING'],
      }),
    ],
  ),
);

/** Opens a list; its filter is worked out once. */
export async function openList(stores: Stores, spec: ListSpec): Promise<List> {
  const filter = spec.filter(await everythingOf(stores, alice));
  const { orderBy } = spec;
  return {
    store: stores[spec.of],
    orderBy,
    filter,
    async expected() {
      const records: readonly AnyRecord[] = (await everythingOf(stores, alice))[spec.of];
      return expectedList(records, filter ?? {}, orderBy);
    },
  };
}

function listSpec(
  of: ListSpec['of'],
  fields: readonly OrderField[],
  filters: readonly ListSpec['filter'][],
): fc.Arbitrary<ListSpec> {
  const direction = fc.constantFrom('ASC' as const, 'DESC' as const);
  return fc.record({
    of: fc.constant(of),
    orderBy: fc.record({ field: fc.constantFrom(...fields), direction }),
    filter: fc.constantFrom(...filters),
  });
}

function someIds(records: readonly AnyRecord[]): readonly string[] {
  return records.filter((_, index) => index % 3 !== 1).map(({ id }) => id);
}
