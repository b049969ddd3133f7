import { EventEmitter, once } from 'node:events';
import * as fc from 'fast-check';
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
import { openProject, type Project } from '../../process/project.ts';

let project: Project;
/** One that keeps what it has committed. */
let database: Postgres;
let scene: Scene;

beforeAll(async () => {
  project = await openProject();
  database = await startPostgres({ durable: true });
  scene = await openScene(project, { url: database.url, adminUrl: database.url });
});

afterAll(async () => {
  await project.remove();
  await scene.proxy.close();
  await database.stop();
});

const ROUNDS = 5;
/** Clients that send one mutation after the other. */
const CLIENTS = 30;
/** After how many acknowledged mutations of a round its kill comes. */
const counts = fc.integer({ min: 1, max: 300 });

describe('a server whose PostgreSQL is away', () => {
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
    for (const count of fc.sample(counts, ROUNDS)) {
      const over = new AbortController();
      const moment = new EventEmitter();
      const hasCome = once(moment, 'come');
      const enough = acknowledged.length + count;
      const clients = Array.from({ length: CLIENTS }, async () => {
        while (!over.signal.aborted) {
          const answer = await client.send(CREATE);
          const id = /"id":"(\w+)"/.exec(answer.text)?.[1];
          if (id === undefined) refused.push(answer);
          else acknowledged.push(id);
          if (acknowledged.length >= enough) moment.emit('come');
        }
      });
      await hasCome;
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
