import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/postgres/database.ts';
import { endure, expectALongLife, openScene, type Outage } from './outage.ts';
import { openProject, type Project } from '../../process/project.ts';

let project: Project;
/** What is to be done at the end. */
const endings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  project = await openProject();
});

afterAll(async () => {
  await project.remove();
  for (const end of endings) await end();
});

describe('a server that does not get to its PostgreSQL', () => {
  it.concurrent.each<[string, Outage, readonly string[]]>([
    [
      'what is sent is lost',
      { leave: ({ proxy }) => proxy.be('swallow'), comeBack: ({ proxy }) => proxy.be('pass') },
      ['There was no answer within 5250 ms', 'no connection within 5000 ms'],
    ],
    [
      'it is hung up on',
      { leave: ({ proxy }) => proxy.be('hang up'), comeBack: ({ proxy }) => proxy.be('pass') },
      ['the connection was closed'],
    ],
    ['only new connections work', { leave: ({ proxy }) => proxy.forsake() }, ['subscriptions end']],
  ])('should refuse in time, stay, and recover by itself: %s', async (_name, outage, reasons) => {
    const database = await createDatabase();
    const scene = await openScene(project, database);
    endings.push(
      () => scene.proxy.close(),
      () => database.drop(),
    );
    await endure(scene, outage);
    await expect(expectALongLife(scene, reasons)).resolves.toBeUndefined();
  });
});
