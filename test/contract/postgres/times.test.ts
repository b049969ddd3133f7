import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asOwner } from '../../../src/store/owner.ts';
import { openPostgresStores } from '../../../src/store/postgres/stores.ts';
import { connected } from '../../support/postgres/admin.ts';
import { createDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { valueOf } from '../../support/bench.ts';
import { configFor } from '../../support/postgres/config.ts';

const alice = asOwner('alice');
let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(async () => {
  await database.drop();
});

/** PostgreSQL shows times in the zone of the database, and without the zeros at their end. */
describe.for(['UTC', 'Asia/Kolkata', 'America/St_Johns'])(
  'the times of a database in the zone %s',
  (zone) => {
    it.for([
      '2026-07-01T00:00:00.000Z',
      '2026-07-01T00:00:00.100Z',
      '2026-07-01T00:00:00.120Z',
      '2026-07-01T00:00:00.123Z',
      '2026-12-31T23:59:59.999Z',
    ])('should be read as they were written: %s', async (time) => {
      await connected(database.adminUrl, (sql) =>
        sql.unsafe(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET timezone TO '${zone}'`),
      );
      const stores = await openPostgresStores(configFor(database.url), { now: () => Date.parse(time) });
      try {
        const { threads } = stores.forRequest();
        const { id } = valueOf(await threads.create(alice, {}));
        const read = await stores.forRequest().threads.get(alice, id);
        expect(read).toMatchObject({ id, createdAt: time, updatedAt: time });
      } finally {
        await stores.close();
      }
    });
  },
);
