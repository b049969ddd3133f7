import { setTimeout as wait } from 'node:timers/promises';

/** How long to wait before the next look, in milliseconds. */
const PAUSE = 20;

/**
 * Is done once something is so, for what no event tells of.
 * @param within how long it may take, in milliseconds
 * @returns how long it took, in milliseconds
 */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  within = 10_000,
): Promise<number> {
  const start = performance.now();
  for (;;) {
    const isDone = await isSo();
    const took = performance.now() - start;
    if (isDone) return took;
    if (took > within) throw new Error(`Not within ${within} ms: ${what}.`);
    await wait(PAUSE);
  }
}
