import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PARTS = ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.ts'];

/** Builds the server in a copy of the project, as `npm start` does before it starts it. */
export async function buildProject(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'agent-graphql-build-'));
  const remove = () => rm(folder, { recursive: true });
  try {
    for (const part of PARTS) await cp(join(ROOT, part), join(folder, part), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await promisify(execFile)('npm', ['run', '-s', 'build'], { cwd: folder });
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, remove };
}
