import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock, unlock } from 'fs-native-extensions';

/**
 * Locks a folder for this process, by a file lock that ends with the process, however it ends. The same process cannot
 * lock it twice either.
 * @returns the function that unlocks it; null when it is locked already
 * @throws the system's error when the folder cannot be written
 */
export function lockFolder(folder: string): (() => void) | null {
  const file = openSync(join(folder, 'lock'), 'a+', 0o600);
  try {
    if (tryLock(file)) return () => release(file);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  closeSync(file);
  return null;
}

/** Closing the file is not enough: a child process that is being spawned has it open too, for a moment. */
function release(file: number): void {
  unlock(file);
  closeSync(file);
}
