import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testRunCrashes } from './run-crash.ts';

testRunCrashes('a folder', 10, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-graphql-'));
  return { env: { DATA_DIR: folder }, remove: async () => rmSync(folder, { recursive: true }) };
});
