import { expect, it, onTestFinished } from 'vitest';
import { asOwner } from '../../../src/store/owner.ts';
import { openPostgresStores } from '../../../src/store/postgres/stores.ts';
import { valueOf } from '../../support/bench.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createMigratedDatabase } from '../../support/postgres/database.ts';
import { makeAssistant } from '../../support/records.ts';

const OWNERS = Array.from({ length: 20 }, (_, index) => asOwner(`owner ${index}`));
const RUNS_OF_OWNER = 100;
const CLAIMERS = 50;
const REQUEST = { allOwners: true, name: 'w', graphIds: ['graph'], leaseSeconds: 300, waitSeconds: 0 };

it('should give each of 2,000 runs once to fifty claimers at two servers', async () => {
  const database = await createMigratedDatabase();
  onTestFinished(() => database.drop());
  const open = () => openPostgresStores(configFor(database.url, { poolSize: 10 }), { sweepInterval: 100 });
  const servers = [await open(), await open()] as const;
  onTestFinished(async () => {
    for (const { close } of servers) await close();
  });
  const made = await Promise.all(
    OWNERS.map(async (owner, index) => {
      const stores = servers[index % 2 === 0 ? 0 : 1].forRequest();
      const { id: assistantId } = await makeAssistant(stores, owner, { graphId: 'graph' });
      const runs: string[] = [];
      for (let i = 0; i < RUNS_OF_OWNER; i++) {
        runs.push(valueOf(await stores.runs.create(owner, { assistantId })).id);
      }
      return runs;
    }),
  );
  const given: string[] = [];
  await Promise.all(
    Array.from({ length: CLAIMERS }, async (_, index) => {
      for (;;) {
        const { queue } = servers[index % 2 === 0 ? 0 : 1].forRequest();
        const request = { ...REQUEST, max: (index % 5) + 1 };
        const claims = valueOf(await queue.claim(asOwner('worker'), request));
        if (claims.length === 0) return;
        given.push(...claims.map(({ run }) => run.id));
        // Every other one ends at once, whose place another claimer may look at meanwhile.
        const ends = claims.filter((__, place) => place % 2 === 0);
        await Promise.all(
          ends.map(async ({ lease }) =>
            queue.finish(asOwner('worker'), { lease, status: 'SUCCESS', retry: false }),
          ),
        );
      }
    }),
  );
  expect(given.toSorted()).toStrictEqual(made.flat().toSorted());
});
