import { createHash } from 'node:crypto';
import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What {@link slowness} answers; provided by `deep-setup.ts`. */
    readonly slowness: number;
  }
}

/**
 * How many times longer work takes while the deep tests run than on an idle machine of two cores: 1 at least. It is
 * measured once, at the start of `npm run test:deep`.
 * @throws Error in `npm test`, where no test depends on durations
 */
export function slowness(): number {
  const factor: number | undefined = inject('slowness');
  if (factor === undefined) throw new Error('Durations are asserted in `npm run test:deep` alone.');
  return factor;
}

/**
 * The longest that something may take on this machine.
 * @param promise what users are promised, in milliseconds
 * @param idle what an idle machine needs, in milliseconds, where a third of the promise is less. Default: 0.
 * @returns milliseconds: the promise, or three times what an idle machine needs, by the slowness of this machine
 */
export function bound(promise: number, idle = 0): number {
  return Math.max(promise, 3 * idle) * slowness();
}

/** How long {@link momentarySlowness} works on an idle machine of two slow cores, in milliseconds. */
const IDLE = 9;

/**
 * How many times longer work takes on this thread right now than on an idle machine: 1 at least. For what takes a part
 * of a second, and is timed beside it: the load of a machine changes.
 */
export function momentarySlowness(): number {
  const start = performance.now();
  let record: unknown = { items: Array.from({ length: 1_000 }, (_, id) => ({ id, name: `item ${id}` })) };
  for (let round = 0; round < 20; round++) {
    const text = JSON.stringify(record);
    record = { ...JSON.parse(text), hash: createHash('sha256').update(text).digest('hex') };
  }
  return Math.max(1, (performance.now() - start) / IDLE);
}
