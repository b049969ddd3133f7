import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { type Postgres, startPostgres } from '../../support/postgres/instance.ts';
import { type Answer, clientOf, codesOf, readiness } from '../../process/client.ts';
import {
  CREATE,
  endure,
  expectALongLife,
  expectNoDetail,
  openScene,
  type Outage,
  type Scene,
} from './outage.ts';
import { copyProject } from '../../process/project.ts';

let project: ReturnType<typeof copyProject>;
/** One that keeps what it has committed. */
let database: Postgres;
let scene: Scene;

beforeAll(async () => {
  project = copyProject();
  project.build();
  database = await startPostgres({ durable: true });
  scene = await openScene(project, { url: database.url, adminUrl: database.url });
}, 60_000);

afterAll(async () => {
  await project.remove();
  await scene.proxy.close();
  await database.stop();
}, 60_000);

const ROUNDS = 5;
/** Clients that send one mutation after the other. */
const CLIENTS = 30;

describe('a server whose PostgreSQL is away', { timeout: 60_000 }, () => {
  it.each<[string, Outage]>([
    ['killed', { leave: () => database.kill(), comeBack: () => database.restart() }],
    ['paused', { leave: () => database.pause(), comeBack: () => database.resume(), isPause: true }],
    ['restarted', { leave: () => database.restart() }],
  ])('should refuse in time, stay, and recover by itself: %s', async (_name, outage) => {
    await expect(endure(scene, outage)).resolves.toBeUndefined();
  });

  it('should come through kills at any moment, and lose nothing that it has acknowledged', async () => {
    const client = await clientOf(scene.port, 'bob');
    const acknowledged: string[] = [];
    const refused: Answer[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const over = new AbortController();
      const clients = Array.from({ length: CLIENTS }, async () => {
        while (!over.signal.aborted) {
          const answer = await client.send(CREATE);
          const id = /"id":"(\w+)"/.exec(answer.text)?.[1];
          if (id === undefined) refused.push(answer);
          else acknowledged.push(id);
        }
      });
      // Not for something to be done: any moment will do.
      await wait(randomInt(20, 400));
      await database.kill();
      over.abort();
      await database.restart();
      await Promise.all(clients);
      await eventually('it is ready', async () => (await readiness(scene.port)) === 200);
    }
    for (const { status, text, body } of refused) {
      expect({ status, codes: codesOf(body) }).toEqual({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
      expectNoDetail(scene, text);
    }
    expect(acknowledged.length).toBeGreaterThan(0);
    for (let at = 0; at < acknowledged.length; at += 100) {
      const ids = acknowledged.slice(at, at + 100);
      const { body } = await client.send('query($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids });
      expect(body).toEqual({ data: { nodes: ids.map((id) => ({ id })) } });
    }
  });

  it('should have said why, and have lived all the time', async () => {
    const reasons = ['There was no answer within 5250 ms', 'the connection was closed'];
    await expect(expectALongLife(scene, reasons)).resolves.toBeUndefined();
  });
});
