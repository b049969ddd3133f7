import postgres from 'postgres';
import { startPostgres } from '../test/support/postgres/instance.ts';
import { postmasterOf, processorTime } from './measured-servers.ts';

/** Measures what a notification costs PostgreSQL by how many servers listen: each of its own transaction. */
const NOTIFICATIONS = 2_000;

const instance = await startPostgres({ durable: true });
const postmaster = await postmasterOf(instance.url);
const sender = postgres(instance.url, { max: 4 });
const listeners: postgres.Sql[] = [];
for (const count of [0, 1, 10, 50, 100]) {
  while (listeners.length < count) {
    const listener = postgres(instance.url, { max: 1 });
    await listener.listen('measured', () => {});
    listeners.push(listener);
  }
  const before = processorTime([postmaster]);
  const began = performance.now();
  const numbers = Array.from({ length: NOTIFICATIONS }).keys();
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (const number of numbers) await sender`SELECT pg_notify('measured', ${`${number} of an owner`})`;
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  const each = (processorTime([postmaster]) - before) / NOTIFICATIONS;
  console.log(
    `${count} listeners: ${each.toFixed(3)} processor ms of PostgreSQL for a notification, ` +
      `${Math.round(NOTIFICATIONS / seconds)} a second`,
  );
}
await Promise.all([sender, ...listeners].map((sql) => sql.end()));
await instance.stop();
