import { z } from 'zod';
import { openShell } from '../../support/shell.ts';

/** A call of the command `docker`. */
export interface DockerCall {
  readonly args: readonly string[];
  /** Its environment. */
  readonly env: Readonly<Record<string, string>>;
}

const Call = z.object({ args: z.array(z.string()), env: z.record(z.string(), z.string()) });
const DOCKER = `docker() { node -e 'console.log(JSON.stringify({ args: process.argv.slice(1), env: process.env }))' -- "$@"; }`;

/** Runs commands of a page in a shell whose `docker` does nothing. Returns what it was called with. */
export async function recordDocker(commands: string, folder: string): Promise<readonly DockerCall[]> {
  const shell = openShell(folder, {});
  await shell.run(DOCKER);
  const printed = await shell.run(commands);
  shell.close();
  return printed.split('\n').map((line) => Call.parse(JSON.parse(line)));
}
