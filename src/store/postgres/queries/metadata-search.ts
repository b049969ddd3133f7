import type { Owner } from '../../owner.ts';
import type { JsonObject } from '../../records.ts';
import type { Transaction } from '../client/pool.ts';
import { type Condition, labelsToContain } from './conditions.ts';

/** How a statement finds the records whose metadata match. */
type SearchPlan =
  /** A bitmap scan of the GIN index on the labels: all matches, in no order. */
  | 'labels index'
  /** A scan of an index in the order of the list, which filters out what does not match. */
  | 'ordered scan';

/**
 * The planner settings of each plan, and of all other statements. The planner has no statistics on labels, and takes
 * every search for a selective one.
 */
const SETTINGS: Readonly<
  Record<SearchPlan | 'none', { bitmapScan: boolean; seqScan: boolean; sort: boolean }>
> = {
  // A GIN index can only be read by a bitmap scan.
  'labels index': { bitmapScan: true, seqScan: false, sort: true },
  'ordered scan': { bitmapScan: false, seqScan: false, sort: false },
  none: { bitmapScan: false, seqScan: true, sort: true },
};

/**
 * Runs statements that search for metadata, with the settings of a plan: those of the row-level security policy
 * `search`, and the planner's.
 * @param work sends its statements before its first `await`. It is given the condition on the owner: for the labels
 * index one that the indexes by owner cannot serve, since an owner may have many records
 */
export async function searchMetadata<T>(
  tx: Transaction,
  owner: Owner,
  metadata: JsonObject,
  plan: SearchPlan,
  work: (ofOwner: Condition) => Promise<T>,
): Promise<T> {
  const { sql } = tx;
  const ofOwner = sql`owner = ${owner}`;
  const [, result] = await Promise.all([
    configureSearch(tx, labelsToContain(owner, metadata), plan),
    work(plan === 'labels index' ? sql`(${ofOwner}) IS TRUE` : ofOwner),
    configureSearch(tx, '', 'none'),
  ]);
  return result;
}

/** Applies to the statements that follow in the transaction, until the next call. */
async function configureSearch(
  { sql, run }: Transaction,
  labels: string,
  plan: SearchPlan | 'none',
): Promise<void> {
  const { bitmapScan, seqScan, sort } = SETTINGS[plan];
  await run(sql`SELECT set_config('agent_graphql.search', ${labels}, true),
    set_config('enable_bitmapscan', ${onOff(bitmapScan)}, true),
    set_config('enable_seqscan', ${onOff(seqScan)}, true), set_config('enable_sort', ${onOff(sort)}, true)`);
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}
