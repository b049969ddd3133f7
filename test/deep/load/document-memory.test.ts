import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** In MiB. */
const MOST = 64;

it('should grow by less than 64 MiB by thousands of large distinct documents, valid or not', async () => {
  const script = fileURLToPath(new URL('document-memory.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', 'tsx', script]);
  const { before, after } = JSON.parse(stdout);
  expect(before).toBeGreaterThan(0);
  expect(after - before).toBeLessThan(MOST);
}, 120_000);
