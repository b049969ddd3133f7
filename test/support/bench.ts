import type { MaybePromise } from '../../src/lib/maybe-promise.ts';
import { BadUserInput } from '../../src/store/bad-user-input.ts';
import type { Change } from '../../src/store/change.ts';
import type { AppendedEvents } from '../../src/store/execution.ts';
import type { StoreOptions } from '../../src/store/store-options.ts';
import type { Outcome } from '../../src/store/outcome.ts';
import type { Owner } from '../../src/store/owner.ts';
import type { OpenedStores, Stores } from '../../src/store/stores.ts';

/** Opens stores with nothing in them, whatever they are made of. */
export type OpenStores = (options: StoreOptions) => MaybePromise<
  {
    readonly stores: Stores;
  } & Pick<OpenedStores, 'sweep' | 'close'>
>;

/** Empty stores, the clock they read and what they told of. */
export interface Bench {
  readonly stores: Stores;
  /** Does what is due by the clock. The stores do not do it by themselves. */
  sweep(): Promise<void>;
  /** Moves the clock, and does what is due then. */
  pass(seconds: number): Promise<void>;
  /** In milliseconds since 1970. It moves when the test moves it. */
  readonly clock: { now: number };
  readonly published: Published[];
  /** The events that were published, in order. */
  readonly appended: PublishedEvents[];
  /** The runs that can be claimed, as they became so. */
  readonly ready: { readonly owner: Owner; readonly graphId: string }[];
}

/** A change as it was published. */
export interface Published {
  readonly owner: Owner;
  readonly change: Change;
  /** All that was published at once, this change with the others. */
  readonly together: readonly Change[];
}

/** Events of a run as they were published at once. */
export interface PublishedEvents extends AppendedEvents {
  readonly owner: Owner;
}

/** Runs a test on a bench of its own. */
export type OnBench = (test: (bench: Bench) => Promise<void>) => Promise<void>;

/** When the clock of each test starts. */
export const START = Date.parse('2026-01-02T03:04:05.678Z');

/** Opens stores for a test and closes them after it, whether or not it passed. */
export async function withBench(
  open: OpenStores,
  test: (bench: Bench) => Promise<void>,
  options: StoreOptions = {},
): Promise<void> {
  const clock = { now: START };
  const published: Published[] = [];
  const appended: PublishedEvents[] = [];
  const ready: Bench['ready'] = [];
  const { stores, close, ...opened } = await open({
    now: () => clock.now,
    sweepInterval: null,
    publish(owner, changes) {
      for (const change of changes) published.push({ owner, change, together: changes });
    },
    publishEvents: (owner, events) => void appended.push({ owner, ...events }),
    onReady: (owner, graphId) => void ready.push({ owner, graphId }),
    ...options,
  });
  const sweep = async (): Promise<void> => opened.sweep();
  const pass = async (seconds: number): Promise<void> => {
    clock.now += seconds * 1_000;
    await sweep();
  };
  try {
    await test({ stores, sweep, pass, clock, published, appended, ready });
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
