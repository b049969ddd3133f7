import { setTimeout as wait } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { RunState } from '../../execution.ts';
import { asOwner, type Owner, ownedKey } from '../../owner.ts';
import type { ClaimRequest } from '../../queue.ts';
import { type Claimant, claimRun } from '../../rules/execution/claim.ts';
import { payloadBytes, MAX_CLAIM_BYTES } from '../../rules/execution/claim-size.ts';
import { isStorableText } from '../../rules/text.ts';
import type { QueueStorage, ClaimedRun } from '../../rules/execution/run-queue.ts';
import { idsByOwner } from '../client/ids-by-owner.ts';
import { nameOwner, openQueue, runInTransaction } from '../client/database.ts';
import type { Transaction } from '../client/pool.ts';
import { Announcements } from '../notifications/announcer.ts';
import type { StoreDependencies } from '../queries/dependencies.ts';
import { storePlan } from '../queries/run-mutation.ts';
import { announceEvents, changeOf } from '../queries/plan-step.ts';
import { readClaimable, type ClaimableRun } from './read-claimable.ts';
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

/** Creates the claims of a store: `agent_graphql.take_runs` locks the rows. */
export function createClaim(dependencies: StoreDependencies, turns: Turns): QueueStorage['claim'] {
  return async (request, claimant) => {
    const graphIds = [...new Set(request.graphIds)].filter(isStorableText).toSorted();
    if (graphIds.length === 0) return [];
    for (const delay of [...RETRY_DELAYS, null]) {
      const { claimed, isContended } = await claimOnce(
        dependencies,
        turns,
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
  /** Whether runs were passed over since other transactions had locked them. */
  readonly isContended: boolean;
}

async function claimOnce(
  { database, reader, announcer, clock }: StoreDependencies,
  turns: Turns,
  { allOwners, graphIds, max }: ClaimRequest,
  claimant: Claimant,
): Promise<Claimed> {
  const announcements = new Announcements();
  const graphs = JSON.stringify(graphIds);
  const turn = turns.get(graphs) ?? '';
  try {
    const result = await runInTransaction(database, claimant.holder, async (tx) => {
      const { sql, run } = tx;
      const [, rows, now] = await Promise.all([
        allOwners ? openQueue(tx) : null,
        run(sql<ClaimableRow[]>`SELECT taken_owner AS owner, taken_run AS id, is_contended AS "isContended"
          FROM agent_graphql.take_runs(ARRAY(SELECT json_array_elements_text(${graphs}::text::json)),
            ${allOwners ? null : claimant.holder}, ${turn}, ${max})`),
        clock(tx),
      ]);
      const refs = rows.flatMap(({ owner, id }) =>
        owner === null || id === null ? [] : { owner: asOwner(owner), id },
      );
      const found = await Promise.all(
        Array.from(idsByOwner(refs), ([owner, ids]) => readClaimable(tx, owner, ids)),
      );
      const fitting = fittingRuns(refs, found.flat());
      const claimed = await Promise.all(
        found.map((runs) => {
          const toClaim = runs.filter((one) => fitting.has(one));
          return claimLocked(tx, announcements, toClaim, claimant, now);
        }),
      );
      const byKey = byOwnerAndId(claimed.flat());
      return {
        claimed: refs.flatMap(({ owner, id }) => byKey.get(ownedKey(owner, id)) ?? []),
        isContended: rows.at(-1)?.isContended ?? false,
      };
    });
    const last = result.claimed.at(-1);
    if (allOwners && last !== undefined) turns.set(graphs, last.owner);
    announcer.announce(announcements);
    return result;
  } finally {
    reader.reset();
  }
}

interface ClaimableRow {
  /** Null in the last row. */
  readonly owner: string | null;
  readonly id: string | null;
  readonly isContended: boolean;
}

/** The first runs, as many as fit into one response. The others stay in the queue. */
function fittingRuns(
  refs: readonly { readonly owner: Owner; readonly id: string }[],
  found: readonly ClaimableRun[],
): ReadonlySet<ClaimableRun> {
  const byKey = byOwnerAndId(found);
  const fitting = new Set<ClaimableRun>();
  let bytes = 0;
  for (const { owner, id } of refs) {
    const one = byKey.get(ownedKey(owner, id));
    if (one === undefined) continue;
    if (bytes >= MAX_CLAIM_BYTES) break;
    bytes += payloadBytes(one);
    fitting.add(one);
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
  runs: readonly ClaimableRun[],
  claimant: Claimant,
  now: number,
): Promise<readonly ClaimedRun[]> {
  const [first] = runs;
  if (first === undefined) return [];
  const { owner } = first;
  const claimed = runs.map((claimable) => ({
    ...claimable,
    step: claimRun(claimable.state, claimant, claimable.assistant.version, now),
  }));
  for (const { step } of claimed) announceEvents(announcements, owner, step);
  await Promise.all([
    nameOwner(tx, owner),
    storePlan(tx, owner, {
      outcome: null,
      changes: claimed.flatMap(({ state, step }) => changeOf(state.run, step.run)),
      store: () =>
        storeSteps(
          tx,
          owner,
          claimed.map(({ state, step }) => ({ before: state, step })),
        ),
    }),
  ]);
  return claimed.map(({ step, assistant, input, values, checkpoint }) => {
    return { owner, state: step, assistant, input, values, checkpoint, now };
  });
}
