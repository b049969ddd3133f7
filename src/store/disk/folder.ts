import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errorMessage } from '../../lib/error-message.ts';
import { StoreError } from '../store-error.ts';
import { NewerFile } from './data-file-errors.ts';
import { lockFolder } from './folder-lock.ts';

/**
 * Locks a folder for this process, and does something in it. The folder is created where there is none.
 * @param work must call `unlock` when it is done with the folder; when it rejects, the folder is unlocked
 * @throws StoreError when the folder cannot be used, or its data file is damaged
 */
export async function withLockedFolder<T>(
  folder: string,
  work: (unlock: () => void) => Promise<T>,
): Promise<T> {
  let unlock: (() => void) | null = null;
  try {
    createFolder(resolve(folder));
    unlock = lockFolder(folder);
    if (unlock === null) {
      throw new StoreError(
        `DATA_DIR ${quote(folder)} is in use by another process: stop that one, or choose another.`,
      );
    }
    return await work(unlock);
  } catch (error) {
    unlock?.();
    throw toStoreError(folder, error);
  }
}

/** `mkdirSync` with `recursive` would loop for ever where no folders can be created, as in `/proc`. */
function createFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  createFolder(parent);
  mkdirSync(folder, { mode: 0o700 });
  syncFolder(parent);
}

/** Makes the entries of a folder durable. Windows has no such call, and needs none. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function toStoreError(folder: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError(`DATA_DIR ${quote(folder)} ${problemOf(error)}`, { cause: error });
}

function problemOf(error: unknown): string {
  if (error instanceof NewerFile) return `${error.message}: start a newer program, or choose another folder.`;
  if (isSystemError(error)) return `cannot be used: ${error.message}.`;
  return `is damaged: ${errorMessage(error)}. Choose a backup of it, or another folder.`;
}

/** Whether a system call failed. LMDB passes on the system's error numbers, which are positive; its own are negative. */
function isSystemError(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return typeof error.code === 'string' || Number(error.code) > 0;
}

/** A folder as it is written in errors. */
export function quote(folder: string): string {
  return JSON.stringify(folder);
}
