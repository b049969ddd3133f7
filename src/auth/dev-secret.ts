import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { isSecret } from './secret.ts';

/** Where the secret for development is kept: `.dev-secret` at the project's root, seen from src and dist alike. */
export const DEV_SECRET_FILE = new URL('../../.dev-secret', import.meta.url);

/**
 * A secret for starts without configuration, outside production only. The first start makes it and keeps it
 * in the file (mode 0600), so that later starts and `npm run token` share it. A file with less than 32 bytes is
 * replaced. Where no file can be written, the secret lasts as long as the process.
 */
export function devSecret(file: URL | string): string {
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  const secret = randomBytes(32).toString('base64url');
  try {
    return keptSecret(path) ?? keepSecret(path, secret);
  } catch {
    return secret;
  }
}

function keptSecret(path: string): string | null {
  if (!existsSync(path)) return null;
  const kept = readFileSync(path, 'utf8').trim();
  return isSecret(kept) ? kept : null;
}

/** Puts the whole file in place in one step, so that of two starts at once the second reads the first's. */
function keepSecret(path: string, secret: string): string {
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    writeFileSync(draft, `${secret}\n`, { flag: 'wx', mode: 0o600 });
    return linked(draft, path) ? secret : (keptSecret(path) ?? replaceSecret(path, draft, secret));
  } finally {
    rmSync(draft, { force: true });
  }
}

function linked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch {
    return false;
  }
}

function replaceSecret(path: string, draft: string, secret: string): string {
  renameSync(draft, path);
  return secret;
}
