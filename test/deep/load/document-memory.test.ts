import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { DOCUMENT_CACHE_BYTES } from '../../../src/limits.ts';

/** By how much the size of a heap differs from one time to the next, in bytes. */
const NOISE = 4_194_304;

it('should keep no more of hundreds of large documents, valid or not, than of those before', async () => {
  const script = fileURLToPath(new URL('document-memory.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script]);
  const [before, first, second]: readonly [number, number, number] = JSON.parse(stdout);
  expect(second - first).toBeLessThan(NOISE);
  // Their sizes are estimated, and some kinds of documents take more.
  expect(first - before).toBeLessThan(2 * DOCUMENT_CACHE_BYTES);
});
