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
