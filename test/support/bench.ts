import type { MaybePromise } from '../../src/lib/maybe-promise.ts';
import { BadUserInput } from '../../src/store/bad-user-input.ts';
import type { Change } from '../../src/store/change.ts';
import type { StoreOptions } from '../../src/store/store-options.ts';
import type { Outcome } from '../../src/store/outcome.ts';
import type { Owner } from '../../src/store/owner.ts';
import type { Stores } from '../../src/store/stores.ts';

/** Opens stores with nothing in them, whatever they are made of. */
export type OpenStores = (options: StoreOptions) => MaybePromise<{
  readonly stores: Stores;
  close(): MaybePromise<void>;
}>;

/** Empty stores, the clock they read and the changes they told of. */
export interface Bench {
  readonly stores: Stores;
  /** In milliseconds since 1970. It moves when the test moves it. */
  readonly clock: { now: number };
  readonly published: Published[];
}

/** A change as it was published. */
export interface Published {
  readonly owner: Owner;
  readonly change: Change;
  /** All that was published at once, this change with the others. */
  readonly together: readonly Change[];
}

/** Runs a test on a bench of its own. */
export type OnBench = (test: (bench: Bench) => Promise<void>) => Promise<void>;

/** When the clock of each test starts. */
export const START = Date.parse('2026-01-02T03:04:05.678Z');

/** Opens stores for a test and closes them after it, whether or not it passed. */
export async function withBench(open: OpenStores, test: (bench: Bench) => Promise<void>): Promise<void> {
  const clock = { now: START };
  const published: Published[] = [];
  const { stores, close } = await open({
    now: () => clock.now,
    publish(owner, changes) {
      for (const change of changes) published.push({ owner, change, together: changes });
    },
  });
  try {
    await test({ stores, clock, published });
  } finally {
    await close();
  }
}

/** The value of a mutation that is expected to work. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if ('value' in outcome) return outcome.value;
  throw new Error(`Refused: ${outcome.refusals.map(({ message }) => message).join(' ')}`);
}

/** Code and key of each refusal, in an order of their own; empty where there is a value. */
export function refusalsOf(outcome: Outcome<unknown>): readonly string[] {
  if ('value' in outcome) return [];
  return outcome.refusals.map(({ code, key }) => `${code} ${key}`).toSorted();
}

/** A call that may answer at once, later or with an exception, as a promise in each case. */
export async function call<T>(run: () => MaybePromise<T>): Promise<T> {
  return run();
}

/** What a call says when its arguments are refused; null when they are not. */
export async function badInputOf(run: () => MaybePromise<unknown>): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    if (error instanceof BadUserInput) return error.message;
    throw error;
  }
}
