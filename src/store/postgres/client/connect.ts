import type { Socket } from 'node:net';
import postgres from 'postgres';
import type { DatabaseHost, DatabaseServer } from './database-config.ts';

/**
 * A client of postgres.js with one connection, over a socket that is open already. It reads ids and times in the form
 * that records have: 32 hex digits, and RFC 3339 in UTC with milliseconds. Every option is given, since postgres.js
 * reads others from variables such as PGHOST.
 * @param takeSocket called when the first statement is sent, and by later attempts to reconnect
 * @param onNotification called with the payload of each notification
 */
export function connect(
  { user, password, database, applicationName, options }: DatabaseServer,
  { name, port }: DatabaseHost,
  takeSocket: () => Promise<Socket>,
  onNotification: (payload: string) => void,
) {
  // There is no option that keeps postgres.js from reading it.
  delete process.env['PGTARGETSESSIONATTRS'];
  const untypedOptions: object = {
    socket: takeSocket,
    onnotify: (_channel: string, payload: string) => onNotification(payload),
    // For error messages alone.
    host: [name],
    port: [port],
    sslnegotiation: null,
    max_pipeline: 100,
  };
  return postgres({
    ...untypedOptions,
    user,
    password: () => password,
    database,
    ssl: false,
    max: 1,
    // The caller limits the time and sets keepalive.
    connect_timeout: 0,
    keep_alive: 0,
    idle_timeout: 0,
    max_lifetime: null,
    backoff: false,
    prepare: true,
    debug: false,
    publications: 'alltables',
    // Arrays are sent as literals, so that no connection has to fetch the types of the database first.
    fetch_types: false,
    // No others: PgBouncer refuses parameters that it does not know.
    connection: { application_name: applicationName, ...(options !== null && { options }) },
    onnotice: () => {},
    types: {
      id: {
        to: 2950,
        from: [2950],
        serialize: (id: string) => id,
        parse: toId,
      },
      instant: {
        to: 1184,
        from: [1184],
        serialize: (instant: string) => instant,
        parse: toInstant,
      },
    },
  });
}

/** A `uuid` as records have it. A page holds hundreds, and slices take half the time of `replaceAll`. */
function toId(text: string): string {
  return text.slice(0, 8) + text.slice(9, 13) + text.slice(14, 18) + text.slice(19, 23) + text.slice(24);
}

/** A `timestamptz` as records have it. No `Date` is needed, which is slow: sessions are in UTC, see `session.ts`. */
function toInstant(text: string): string {
  const end = IN_UTC.test(text) ? ENDS.get(text.length) : undefined;
  if (end === undefined)
    throw new TypeError('PostgreSQL wrote a time in another form than the session asks for.');
  return `${text.slice(0, 10)}T${text.slice(11, -3)}${end}`;
}

const IN_UTC = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?\+00$/;
/** The digits that PostgreSQL leaves out, and `Z`, by the length of its text. */
const ENDS: ReadonlyMap<number, string> = new Map([
  ['2026-01-01 00:00:00+00'.length, '.000Z'],
  ['2026-01-01 00:00:00.1+00'.length, '00Z'],
  ['2026-01-01 00:00:00.12+00'.length, '0Z'],
  ['2026-01-01 00:00:00.123+00'.length, 'Z'],
]);

/** The template tag that statements and fragments of them are written with. */
export type Sql = Awaited<ReturnType<ReturnType<typeof connect>['reserve']>>;
