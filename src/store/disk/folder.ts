import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StoreError } from '../store-error.ts';
import { NewerFile } from './damaged-file.ts';
import { lockFolder } from './folder-lock.ts';

/**
 * Takes a folder for this process, which is made where there is none, and does something in it.
 * @param work is given what gives the folder back; should it fail, that has been called
 * @throws StoreError when the folder cannot be used, or what is in it is damaged
 */
export async function inFolder<T>(folder: string, work: (unlock: () => void) => Promise<T>): Promise<T> {
  let unlock: (() => void) | null = null;
  try {
    makeFolder(resolve(folder));
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

/** Not by the `recursive` of `mkdirSync`, which goes round for ever where no folders can be made, as in `/proc`. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  makeFolder(parent);
  mkdirSync(folder, { mode: 0o700 });
  syncFolder(parent);
}

/** Makes the names in a folder durable; where the system cannot, it needs not. */
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
  return `is damaged: ${messageOf(error)}. Choose a backup of it, or another folder.`;
}

/** Whether a call of the system failed. LMDB gives its numbers, which are positive, and adds negative ones of its own. */
function isSystemError(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return typeof error.code === 'string' || Number(error.code) > 0;
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A folder, as errors name it. */
export function quote(folder: string): string {
  return JSON.stringify(folder);
}
