/**
 * Computes what a number of servers on one PostgreSQL would need, from costs that `measure:runs` and
 * `scripts/measure-notify.ts` have measured: arithmetic, no measurement. `npx tsx scripts/simulate-scaling.ts`
 */
/** Processor milliseconds of PostgreSQL, with one server, without its notifications to others. */
const POSTGRES = { create: 0.8, claim: 3.9, append: 0.44, finish: 1.1 };
/** The same of the server that answers. */
const SERVER = { create: 1.3, claim: 3.4, append: 0.8, finish: 0.9 };
/** Processor milliseconds of PostgreSQL for each notification and each server that listens. */
const NOTIFY_EACH = 0.019;
/** Transactions with a notification: a creation has two notifications, a claim one, an end one. */
const NOTIFICATIONS_OF_RUN = 4;
/** A server sends the events of 25 ms together, 5 runs in one notification. */
const FLUSHES = 40;
const RUNS_PER_NOTIFICATION = 5;
/** Bytes of an open stream with its connection, and connections of a server: its pool and the one that listens. */
const STREAM_BYTES = 9_200;
const CONNECTIONS = 11;

interface Case {
  readonly servers: number;
  readonly streams: number;
  /** In a second, of all servers together. */
  readonly runs: number;
  /** Calls of `appendRunEvents` for each run. */
  readonly appends: number;
}

const CASES: readonly Case[] = [
  { servers: 1, streams: 10_000, runs: 100, appends: 10 },
  { servers: 4, streams: 40_000, runs: 100, appends: 10 },
  { servers: 10, streams: 100_000, runs: 100, appends: 10 },
  { servers: 10, streams: 100_000, runs: 500, appends: 10 },
  { servers: 100, streams: 1_000_000, runs: 100, appends: 10 },
  { servers: 100, streams: 1_000_000, runs: 1_000, appends: 10 },
];

const rows = CASES.map(({ servers, streams, runs, appends }) => {
  const statements = runs * (POSTGRES.create + POSTGRES.claim + appends * POSTGRES.append + POSTGRES.finish);
  const work = runs * (SERVER.create + SERVER.claim + appends * SERVER.append + SERVER.finish);
  const ofServer = (runs * appends) / servers;
  // Where appends are few, each has a notification of its own; where they are many, five runs share one.
  const events = servers * Math.max(ofServer / RUNS_PER_NOTIFICATION, Math.min(ofServer, FLUSHES));
  const notifications = runs * NOTIFICATIONS_OF_RUN + events;
  const delivery = notifications * servers * NOTIFY_EACH;
  return [
    servers,
    streams,
    runs,
    (statements / 1_000).toFixed(1),
    Math.round(notifications),
    (delivery / 1_000).toFixed(1),
    (work / servers / 1_000).toFixed(2),
    `${Math.round(((streams / servers) * STREAM_BYTES) / 1e6)} MB`,
    servers * CONNECTIONS,
  ];
});
const head = [
  'servers',
  'open streams',
  'runs a second',
  'cores of PostgreSQL for statements',
  'notifications a second',
  'cores of PostgreSQL for notifications',
  'cores of each server',
  'streams at each server',
  'connections',
];
for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
