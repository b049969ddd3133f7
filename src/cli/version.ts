import { readFileSync } from 'node:fs';

/** The version of the package. Its package.json is two levels up, in `dist` and in `dist/bundle` too. */
export const VERSION = versionIn(
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')),
);

function versionIn(json: unknown): string {
  const hasVersion = typeof json === 'object' && json !== null && 'version' in json;
  return hasVersion && typeof json.version === 'string' ? json.version : 'unknown';
}
