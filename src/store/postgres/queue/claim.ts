import { setTimeout as wait } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { RunState } from '../../execution.ts';
import { asOwner, type Owner, ownedKey } from '../../owner.ts';
import type { ClaimRequest } from '../../queue.ts';
import { type Claimant, claimRun } from '../../rules/execution/claim.ts';
import { MAX_CLAIM_BYTES } from '../../rules/execution/claim-size.ts';
import { isStorableText } from '../../rules/text.ts';
import type { QueueStorage, ClaimedRun } from '../../rules/execution/run-queue.ts';
import { nameOwner, runInTransaction } from '../client/database.ts';
import type { Transaction } from '../client/pool.ts';
import { Announcements } from '../notifications/announcer.ts';
import type { StoreDependencies } from '../queries/dependencies.ts';
import { storePlan } from '../queries/run-mutation.ts';
import { announceEvents, changeOf } from '../queries/plan-step.ts';
import type { ExpectedOwners } from './expected-owners.ts';
import { type ClaimableRun, NO_CLAIM_PAYLOADS, readClaimable, readClaimPayloads } from './read-claimable.ts';
import { storeSteps } from '../tables/store-steps.ts';

/** The pauses before retries while other transactions hold all rows that could be claimed, in milliseconds. */
const RETRY_DELAYS: readonly number[] = [2, 10, 30];
/** For how many sets of graphs a server remembers the owner that was served last. */
const MAX_TURNS = 1_000;

/** The owner that was served last, by the set of graphs: the position of this server's round robin. */
export type Turns = LRUCache<string, Owner>;

/** Creates the turns of a server. */
export function createTurns(): Turns {
  return new LRUCache({ max: MAX_TURNS });
}

/** What the claims of a server remember of earlier ones. */
export interface ClaimMemory {
  readonly turns: Turns;
  readonly expected: ExpectedOwners;
}

/** Creates the claims of a store: `agent_graphql.take_runs` locks the rows. */
export function createClaim(dependencies: StoreDependencies, memory: ClaimMemory): QueueStorage['claim'] {
  return async (request, claimant) => {
    const graphIds = [...new Set(request.graphIds)].filter(isStorableText).toSorted();
    if (graphIds.length === 0) return [];
    for (const delay of [...RETRY_DELAYS, null]) {
      const { claimed, isContended } = await claimOnce(
        dependencies,
        memory,
        { ...request, graphIds },
        claimant,
      );
      if (claimed.length > 0 || !isContended || delay === null) return claimed;
      await wait(delay);
    }
    return [];
  };
}

/** The result of one attempt to claim runs. */
interface Claimed {
  readonly claimed: readonly ClaimedRun[];
  /** Whether runs were passed over, where none was claimed, since other transactions had locked them or their threads. */
  readonly isContended: boolean;
}

async function claimOnce(
  { database, reader, announcer, clock }: StoreDependencies,
  { turns, expected }: ClaimMemory,
  { allOwners, graphIds, max }: ClaimRequest,
  claimant: Claimant,
): Promise<Claimed> {
  const announcements = new Announcements();
  const graphs = JSON.stringify(graphIds);
  const turn = turns.get(graphs) ?? '';
  const announced = expected.find(graphIds);
  const expectedOwner = allOwners || announced === claimant.holder ? announced : null;
  const firstNamed = expectedOwner ?? claimant.holder;
  try {
    const claim = async (tx: Transaction): Promise<Claimed> => {
      const { sql, run } = tx;
      let named = firstNamed;
      const withOwner = async <T>(owner: Owner, work: () => Promise<T>): Promise<T> => {
        const naming = owner === named ? null : nameOwner(tx, owner);
        named = owner;
        const [, result] = await Promise.all([naming, work()]);
        return result;
      };
      const [rows, now, foundFirst] = await Promise.all([
        run(sql<TakenRow[]>`WITH taken AS MATERIALIZED (
            SELECT taken_owner AS owner, taken_run AS id, taken_thread AS thread, is_contended AS "isContended"
            FROM agent_graphql.take_runs(ARRAY(SELECT json_array_elements_text(${graphs}::text::json)),
              ${allOwners ? null : claimant.holder}, ${turn}, ${max})
          ), list AS (SELECT set_config('agent_graphql.taken', json_agg(taken)::text, true) FROM taken)
          SELECT owner, id, "isContended" FROM taken CROSS JOIN list`),
        clock(tx),
        expectedOwner === null ? [] : readClaimable(tx, expectedOwner),
      ]);
      const taken = rows.flatMap(({ owner, id }) =>
        owner === null || id === null ? [] : { owner: asOwner(owner), id },
      );
      const owners = new Set(taken.map(({ owner }) => owner));
      if (expectedOwner !== null && !owners.delete(expectedOwner)) expected.forget(expectedOwner, graphIds);
      const found = await Promise.all(
        Array.from(owners, (owner) => withOwner(owner, () => readClaimable(tx, owner))),
      );
      const fitting = fittingRuns(taken, [...foundFirst, ...found.flat()]);
      const claiming = Array.from(byOwner(fitting), ([owner, runs]) =>
        withOwner(owner, () => claimLocked(tx, announcements, owner, runs, claimant, now)),
      );
      tx.commit();
      const byKey = byOwnerAndId((await Promise.all(claiming)).flat());
      return {
        claimed: fitting.flatMap(({ owner, state }) => byKey.get(ownedKey(owner, state.run.id)) ?? []),
        isContended: taken.length > 0 || (rows.at(-1)?.isContended ?? false),
      };
    };
    const result = await runInTransaction(database, firstNamed, claim, {
      planning: 'once',
      onQueue: allOwners,
    });
    const last = result.claimed.at(-1);
    if (allOwners && last !== undefined) turns.set(graphs, last.owner);
    announcer.announce(announcements);
    return result;
  } finally {
    reader.reset();
  }
}

interface TakenRow {
  /** Null in the last row, as the id. */
  readonly owner: string | null;
  readonly id: string | null;
  readonly isContended: boolean;
}

/** Groups runs by owner, in the order in which they come: a statement reads the rows of one owner. */
function byOwner<R extends { readonly owner: Owner }>(runs: readonly R[]): ReadonlyMap<Owner, readonly R[]> {
  const groups = new Map<Owner, R[]>();
  for (const run of runs) {
    const group = groups.get(run.owner);
    if (group === undefined) groups.set(run.owner, [run]);
    else group.push(run);
  }
  return groups;
}

/** The first runs, in the order in which they were taken, as many as fit into one response. The others stay in the queue. */
function fittingRuns(
  taken: readonly { readonly owner: Owner; readonly id: string }[],
  found: readonly ClaimableRun[],
): readonly ClaimableRun[] {
  const byKey = byOwnerAndId(found);
  const fitting: ClaimableRun[] = [];
  let bytes = 0;
  for (const { owner, id } of taken) {
    const one = byKey.get(ownedKey(owner, id));
    if (one === undefined) continue;
    if (bytes >= MAX_CLAIM_BYTES) break;
    bytes += one.bytes;
    fitting.push(one);
  }
  return fitting;
}

/** Runs by owner and id: two owners can have runs with the same id. */
function byOwnerAndId<R extends { readonly owner: Owner; readonly state: RunState }>(
  runs: readonly R[],
): ReadonlyMap<string, R> {
  return new Map(runs.map((run) => [ownedKey(run.owner, run.state.run.id), run]));
}

/** Claims runs of one owner, which are locked, for a worker. All statements are sent before the first `await`. */
async function claimLocked(
  tx: Transaction,
  announcements: Announcements,
  owner: Owner,
  runs: readonly ClaimableRun[],
  claimant: Claimant,
  now: number,
): Promise<readonly ClaimedRun[]> {
  const claimed = runs.map(({ state, assistant }) => {
    return { before: state, assistant, step: claimRun(state, claimant, assistant.version, now) };
  });
  for (const { step } of claimed) announceEvents(announcements, owner, step);
  const withPayloads = runs.filter(({ bytes }) => bytes > 0);
  const [payloads] = await Promise.all([
    withPayloads.length === 0 ? null : readClaimPayloads(tx, owner, withPayloads),
    storePlan(tx, owner, {
      outcome: null,
      changes: claimed.flatMap(({ before, step }) => changeOf(before.run, step.run)),
      store: () => storeSteps(tx, owner, claimed),
    }),
  ]);
  return claimed.map(({ step, assistant }) => {
    return { owner, state: step, assistant, now, ...(payloads?.get(step.run.id) ?? NO_CLAIM_PAYLOADS) };
  });
}
