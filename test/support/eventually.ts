import { setTimeout as wait } from 'node:timers/promises';
import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** After how long a test, a hook or a loop of this project is taken to hang, in milliseconds. */
    readonly hangLimit: number;
  }
}

/** How long to wait before the next look, in milliseconds. */
const PAUSE = 20;

/**
 * Is done once something is so, for what no event tells of.
 * @returns how long it took, in milliseconds
 * @throws Error when the test has hung for too long
 */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<number> {
  const start = performance.now();
  for (;;) {
    const isDone = await isSo();
    const took = performance.now() - start;
    if (isDone) return took;
    if (took > inject('hangLimit')) throw new Error(`This has not come about: ${what}.`);
    await wait(PAUSE);
  }
}
