import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock, unlock } from 'fs-native-extensions';

/**
 * Takes a folder for this process alone, by a lock that ends with the process, however that ends. Nor can the same
 * process take it twice.
 * @returns what gives it back; null when somebody else has it
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

/** To close it is not enough: a process that is being started at this moment has the file open too, for an instant. */
function release(file: number): void {
  unlock(file);
  closeSync(file);
}
