import { onTestFinished } from 'vitest';
import { guardedFolder } from './postgres/folder.ts';

/**
 * A port of this machine until the end of the test, for a server that is started again on it. The system gives it to
 * nobody by itself, as it would one that a server got for the port 0 and has left.
 */
export async function keptPort(): Promise<number> {
  const { port, remove } = await guardedFolder({});
  onTestFinished(remove);
  return port;
}
