import { expect, it, onTestFinished } from 'vitest';
import { asOwner } from '../../../src/store/owner.ts';
import { diskArchive } from '../../../src/store/disk/archive.ts';
import { postgresArchive } from '../../../src/store/postgres/archive.ts';
import { openPostgresStores, type PostgresStores } from '../../../src/store/postgres/stores.ts';
import { valueOf } from '../../support/bench.ts';
import { configFor } from '../../support/postgres/config.ts';
import { createMigratedDatabase } from '../../support/postgres/database.ts';
import { makeAssistant } from '../../support/records.ts';
import { exportOf, importInto } from '../archive/moved.ts';
import { inFolder } from '../disk/folder.ts';

const alice = asOwner('alice');
const CLAIM = { allOwners: true, name: 'w', graphIds: ['graph'], max: 1, leaseSeconds: 30, waitSeconds: 0 };

async function newDatabase(): Promise<string> {
  const database = await createMigratedDatabase();
  onTestFinished(() => database.drop());
  return database.url;
}

async function openServer(url: string, now: () => number): Promise<PostgresStores> {
  const stores = await openPostgresStores(configFor(url), { sweepInterval: null, now });
  onTestFinished(() => stores.close());
  return stores;
}

it('should move a queue to another database, by way of a folder, and go on there', () =>
  inFolder(async (folder) => {
    let time = Date.parse('2026-01-02T03:04:05.678Z');
    const url = await newDatabase();
    const from = await openServer(url, () => time);
    const stores = from.forRequest();
    const { runs, queue } = stores;
    const { id: assistantId } = await makeAssistant(stores, alice, { graphId: 'graph' });
    const input = { question: 'why?' };
    const ended = valueOf(await runs.create(alice, { assistantId, input, idempotencyKey: 'key' }));
    const [first] = valueOf(await queue.claim(alice, CLAIM));
    const lease = first?.lease ?? '';
    await queue.appendEvents(alice, { lease, offset: 0, events: [{ type: 'T', data: { a: 1 } }] });
    valueOf(await queue.finish(alice, { lease, status: 'SUCCESS', output: { answer: 1 }, retry: false }));
    const held = valueOf(await runs.create(alice, { assistantId, threadId: ended.threadId }));
    const waiting = valueOf(
      await runs.create(alice, { assistantId, threadId: ended.threadId, delaySeconds: 40 }),
    );
    const [second] = valueOf(await queue.claim(alice, CLAIM));
    valueOf(await queue.checkpoint(alice, { lease: second?.lease ?? '', values: { half: 1 } }));
    const called = valueOf(await runs.create(alice, { assistantId }));
    await runs.cancel(alice, called.id, 'ROLLBACK');
    const free = valueOf(await runs.create(alice, { assistantId }));

    const file = await exportOf(postgresArchive(configFor(url)));
    await importInto(diskArchive(folder), file);
    expect(await exportOf(diskArchive(folder))).toBe(file);
    const target = await newDatabase();
    await importInto(postgresArchive(configFor(target)), await exportOf(diskArchive(folder)));
    expect(await exportOf(postgresArchive(configFor(target)))).toBe(file);

    const to = await openServer(target, () => time);
    const moved = to.forRequest();
    expect(await moved.runs.create(alice, { assistantId, input, idempotencyKey: 'key' })).toMatchObject({
      value: { id: ended.id },
      replayed: true,
    });
    expect(await moved.runs.payload(alice, ended.id, 'output')).toBe('{"answer":1}');
    const page = await moved.runs.events(alice, ended.id, { after: 1, limit: 10, maxBytes: 1_000 });
    expect(page).toMatchObject({ events: [{ seq: 2, data: '{"a":1}' }, { seq: 3 }], missedUpTo: null });
    const claims = valueOf(await moved.queue.claim(alice, { ...CLAIM, max: 10 }));
    expect(claims.map(({ run }) => run.id)).toStrictEqual([free.id]);
    // The held run was lost with its server; its thread's other run waits for its end, and then for its time.
    time += 60_000;
    await to.sweep();
    time += 1_000;
    await to.sweep();
    const [again, ...others] = valueOf(await moved.queue.claim(alice, { ...CLAIM, max: 10 }));
    expect(again).toMatchObject({
      run: { id: held.id, attempt: 2 },
      checkpoint: '{"half":1}',
      values: '{"answer":1}',
    });
    expect(others.map(({ run }) => run.id)).not.toContain(waiting.id);
    valueOf(await moved.queue.finish(alice, { lease: again?.lease ?? '', status: 'SUCCESS', retry: false }));
    const last = valueOf(await moved.queue.claim(alice, { ...CLAIM, max: 10 }));
    expect(last.map(({ run }) => run.id)).toContain(waiting.id);
  }));
