import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { isSecret } from './secret.ts';

/** The file of the development secret: `.dev-secret` in the project's root, which is two levels up in `dist` too. */
export const DEV_SECRET_FILE = new URL('../../.dev-secret', import.meta.url);

/**
 * The secret of a server without configuration, outside of production only. The first start creates it and stores it in
 * the file (mode 0600), so that later starts and `npm run token` use the same one. A file with less than 32 bytes is
 * replaced. Where the file cannot be read or written, each call returns another secret.
 */
export function devSecret(file: URL | string): string {
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  const secret = randomBytes(32).toString('base64url');
  try {
    return createFile(path, secret) ?? readFile(path) ?? replaceFile(path, secret);
  } catch {
    return secret;
  }
}

/** Stores the secret in a new file. Returns null where the file exists already. */
function createFile(path: string, secret: string): string | null {
  try {
    writeFileSync(path, `${secret}\n`, { flag: 'wx', mode: 0o600 });
    return secret;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return null;
    throw error;
  }
}

/** The secret in the file; null where it is too short. */
function readFile(path: string): string | null {
  const secret = readFileSync(path, 'utf8').trim();
  return isSecret(secret) ? secret : null;
}

function replaceFile(path: string, secret: string): string {
  // Not overwritten, which would keep the old file's mode.
  rmSync(path);
  writeFileSync(path, `${secret}\n`, { flag: 'wx', mode: 0o600 });
  return secret;
}
