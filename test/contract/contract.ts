import { describe } from 'vitest';
import { type OnBench, type OpenStores, withBench } from '../support/bench.ts';
import { testChanges } from './cases/changes.ts';
import { testClaims } from './cases/claims.ts';
import { testCursors } from './cases/cursors.ts';
import { testFilters } from './cases/filters.ts';
import { testJson } from './cases/json.ts';
import { testOwners } from './cases/owners.ts';
import { testPageArgs } from './cases/page-args.ts';
import { testRecords } from './cases/records.ts';
import { testRuns } from './cases/runs.ts';
import { testTime } from './cases/time.ts';

/** What every store must keep of what the server does. */
export function testStores(name: string, open: OpenStores): void {
  const onBench: OnBench = (test) => withBench(open, test);
  describe(`the contract of ${name}`, () => {
    testOwners(onBench);
    testTime(onBench);
    testRecords(onBench);
    testJson(onBench);
    testPageArgs(onBench);
    testFilters(onBench);
    testCursors(onBench);
    testRuns(onBench);
    testChanges(onBench);
    testClaims(onBench);
  });
}
