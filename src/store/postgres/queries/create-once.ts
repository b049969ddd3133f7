import type { Change } from '../../change.ts';
import type { KeyRecord } from '../../detail.ts';
import { type CreateOutcome, type Outcome, refused } from '../../outcome.ts';
import type { Owner } from '../../owner.ts';
import type { NewAssistant, NewRun, NewThread } from '../../records.ts';
import { type IdempotencyKey, keyConflict, keyOf } from '../../rules/idempotency.ts';
import { arrayLiteral } from '../client/array-literal.ts';
import type { Transaction } from '../client/pool.ts';
import type { StoreDependencies } from './dependencies.ts';
import { findByIds } from '../tables/find-by-ids.ts';
import { type MutationPlan, noChanges, type PlanMutation, runMutation } from './run-mutation.ts';
import { TABLES } from '../tables/tables.ts';

/** The first half of the keys of advisory locks on idempotency keys: any number that nothing else locks. */
const KEY_LOCK = 7_236_514;

/** A new record to create. */
interface Creation<Checked> {
  readonly resource: Change['resource'];
  readonly input: NewAssistant | NewThread | NewRun;
  /** The defaults of the input. */
  readonly defaults: object;
  /** Checks the input as far as possible without what is stored. */
  check(): Outcome<Checked>;
}

/** Creates a record, or returns the one that was created with the same idempotency key. */
export async function createOnce<R extends { readonly id: string }, Checked>(
  dependencies: StoreDependencies,
  owner: Owner,
  { resource, input, defaults, check }: Creation<Checked>,
  plan: (
    checked: Checked,
    ...transaction: Parameters<PlanMutation<R>>
  ) => ReturnType<PlanMutation<Outcome<R>>>,
): Promise<CreateOutcome<R>> {
  const key = keyOf(input, defaults);
  if (key === null) {
    const checked = check();
    if ('refusals' in checked) return checked;
    return runMutation<CreateOutcome<R>>(dependencies, owner, async (...transaction) =>
      asCreation(await plan(checked.value, ...transaction)),
    );
  }
  if ('refusal' in key) return refused(key.refusal);
  return runMutation<CreateOutcome<R>>(dependencies, owner, async (tx, announcements) => {
    const used = await lockKey(tx, owner, resource, key);
    if (used !== null) {
      const [record] = await findByIds<R>(tx, owner, TABLES[resource], [used.recordId]);
      if (record != null) {
        const isSame = used.digest === key.digest;
        return { outcome: isSame ? { value: record, replayed: true } : refused(keyConflict()), changes: [] };
      }
      // Its deletion, which freed the key, was committed between the two statements.
    }
    const checked = check();
    if ('refusals' in checked) return noChanges(checked);
    const made = asCreation(await plan(checked.value, tx, announcements));
    const { outcome, store } = made;
    if ('refusals' in outcome) return made;
    return {
      ...made,
      store: () => Promise.all([store?.(), insertKey(tx, owner, resource, key, outcome.value.id)]),
    };
  });
}

function asCreation<R>({ outcome, ...plan }: MutationPlan<Outcome<R>>): MutationPlan<CreateOutcome<R>> {
  return { ...plan, outcome: 'refusals' in outcome ? outcome : { value: outcome.value, replayed: false } };
}

/** Locks a key until this transaction ends, and reads it; null where it was not used. */
async function lockKey(
  { sql, run }: Transaction,
  owner: Owner,
  resource: Change['resource'],
  { key }: IdempotencyKey,
): Promise<KeyRecord | null> {
  const [, [used]] = await Promise.all([
    run(sql`SELECT pg_advisory_xact_lock(${KEY_LOCK}::integer, hashtext(${`${resource} ${key} ${owner}`}))`),
    run(sql<KeyRecord[]>`SELECT record_id AS "recordId", digest FROM agent_graphql.idempotency_keys
      WHERE owner = ${owner} AND resource = ${resource} AND key = ${key}`),
  ]);
  return used ?? null;
}

async function insertKey(
  { sql, run }: Transaction,
  owner: Owner,
  resource: Change['resource'],
  { key, digest }: IdempotencyKey,
  recordId: string,
): Promise<void> {
  await run(sql`INSERT INTO agent_graphql.idempotency_keys (owner, resource, key, record_id, digest)
    VALUES (${owner}, ${resource}, ${key}, ${recordId}, ${digest})`);
}

/** Frees the keys of records that are deleted. */
export async function deleteKeys(
  { sql, run }: Transaction,
  owner: Owner,
  ids: readonly string[],
): Promise<void> {
  await run(sql`DELETE FROM agent_graphql.idempotency_keys
    WHERE owner = ${owner} AND record_id = ANY(${arrayLiteral(ids)}::uuid[])`);
}
