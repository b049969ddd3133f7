import { describe } from 'vitest';
import { type OnBench, type OpenStores, withBench } from '../support/bench.ts';
import { testCancellation } from './cases/cancellation.ts';
import { testChanges } from './cases/changes.ts';
import { testClaims } from './cases/claims.ts';
import { testCursors } from './cases/cursors.ts';
import { testFilters } from './cases/filters.ts';
import { testIdempotency } from './cases/idempotency.ts';
import { testJson } from './cases/json.ts';
import { testLeases } from './cases/leases.ts';
import { testMultitask } from './cases/multitask.ts';
import { testOwners } from './cases/owners.ts';
import { testPageArgs } from './cases/page-args.ts';
import { testPayloads } from './cases/payloads.ts';
import { testRecords } from './cases/records.ts';
import { testRetries } from './cases/retries.ts';
import { testRunEvents } from './cases/run-events.ts';
import { testRuns } from './cases/runs.ts';
import { testTime } from './cases/time.ts';

/** The interval of stores that do by themselves what is due, in milliseconds. */
const SWEEP_INTERVAL = 10;

/** What every store must keep of records. */
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

/** What every store must keep of runs that workers execute. */
export function testExecution(name: string, open: OpenStores): void {
  const onBench: OnBench = (test) => withBench(open, test);
  describe(`runs that are executed by ${name}`, () => {
    testClaims(onBench);
    testLeases(onBench);
    testRetries(onBench, (test) => withBench(open, test, { sweepInterval: SWEEP_INTERVAL }));
    testCancellation(onBench);
    testMultitask(onBench);
    testIdempotency(onBench);
    testPayloads(onBench);
    testRunEvents(onBench);
  });
}
