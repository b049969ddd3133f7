import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What all random cases follow from: fixed in `npm test`, another one in each run of the deep tests. */
    readonly seed: number;
    /** How many random cases are tried. */
    readonly cases: CaseCount;
  }
}

/** How many random cases are tried: some in `npm test`, all in the deep tests. */
export type CaseCount = 'some' | 'all';

/** The size of a random test: one for `npm test`, and one for the deep tests. */
export function cases<T>(sizes: Readonly<Record<CaseCount, T>>): T {
  return sizes[inject('cases')];
}
