import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Finalizers and what they free in turn take some collections. */
const COLLECTIONS = 4;

/** Collects all that nothing refers to in this thread. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  for (let i = 0; i < COLLECTIONS; i++) {
    await setImmediate();
    collect();
  }
}

/** The heap of this thread once its garbage is collected, in bytes. */
export async function heapSize(): Promise<number> {
  await collectGarbage();
  return process.memoryUsage().heapUsed;
}
