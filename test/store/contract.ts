import { describe } from 'vitest';
import { type OnBench, type OpenStores, withBench } from './bench.ts';
import { testChanges } from './contract/changes.ts';
import { testCursors } from './contract/cursors.ts';
import { testFilters } from './contract/filters.ts';
import { testJson } from './contract/json.ts';
import { testOwners } from './contract/owners.ts';
import { testPageArgs } from './contract/page-args.ts';
import { testRecords } from './contract/records.ts';
import { testRuns } from './contract/runs.ts';
import { testTime } from './contract/time.ts';

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
  });
}
