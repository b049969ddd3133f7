import { z } from 'zod';
import { openShell } from './shell.ts';

/** A call of a command. */
export interface RecordedCall {
  readonly args: readonly string[];
  /** Its environment. */
  readonly env: Readonly<Record<string, string>>;
}

const Call = z.object({ args: z.array(z.string()), env: z.record(z.string(), z.string()) });
const RECORD = `node -e 'console.log(JSON.stringify({ args: process.argv.slice(1), env: process.env }))' -- "$@"`;

/**
 * Runs commands of a page in a shell that does not execute one of them. Returns what it was called with.
 * @param name of the command that is not executed
 */
export async function recordCalls(
  name: string,
  commands: string,
  folder: string,
): Promise<readonly RecordedCall[]> {
  const shell = openShell(folder, {});
  await shell.run(`${name}() { ${RECORD}; }`);
  const printed = await shell.run(commands);
  shell.close();
  return printed.split('\n').map((line) => Call.parse(JSON.parse(line)));
}
