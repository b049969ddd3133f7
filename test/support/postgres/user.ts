import { readFileSync } from 'node:fs';
import { chown } from 'node:fs/promises';

/** A user of this machine, as `spawn` takes one; without numbers, the one who runs the tests. */
export interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** Users who may run PostgreSQL in place of root, best first. */
const INSTEAD_OF_ROOT = ['postgres', 'nobody'];

/** Who runs PostgreSQL: it refuses to be run by root. */
export function userOfPostgres(): User {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of INSTEAD_OF_ROOT) {
    const [, , uid, gid] = users.find(([name]) => name === wanted) ?? [];
    // Unsigned: on a Mac, nobody is -2.
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  throw new Error(
    `PostgreSQL refuses to be run by root, and there is no user ${INSTEAD_OF_ROOT.join(' or ')}: add one.`,
  );
}

/** Gives a file to a user. */
export async function giveTo({ uid, gid }: User, path: string): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}
