import { open } from 'node:fs/promises';
import { unlock, waitForLock } from 'fs-native-extensions';

/** Does something while no other thread or process has the lock of a file, which ends with its process. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const file = await open(path, 'a+');
  try {
    await waitForLock(file.fd);
    return await work();
  } finally {
    unlock(file.fd);
    await file.close();
  }
}
