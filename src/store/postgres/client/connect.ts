import postgres from 'postgres';
import type { DatabaseConfig } from '../../../config.ts';

/**
 * One connection, made when it is first needed. Ids and times are read as records hold them: 32 hex digits, and RFC 3339
 * in UTC with milliseconds.
 * @param onClose told whenever it is lost, or could not be made
 * @param more options of postgres.js that its types leave out
 */
export function connect({ url, connectTimeout }: DatabaseConfig, onClose: () => void, more: object) {
  return postgres(url, {
    ...more,
    max: 1,
    connect_timeout: connectTimeout / 1_000,
    idle_timeout: undefined,
    max_lifetime: null,
    // Arrays are written as literals, so that no connection has to ask for the types first.
    fetch_types: false,
    connection: { application_name: 'agent-graphql' },
    onnotice: () => {},
    onclose: onClose,
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

/** A UUID of PostgreSQL's as records have it: a page holds hundreds, and this takes half the time of `replaceAll`. */
function toId(text: string): string {
  return text.slice(0, 8) + text.slice(9, 13) + text.slice(14, 18) + text.slice(19, 23) + text.slice(24);
}

/** A time of PostgreSQL's as records have it. In UTC, which most servers have, it is nearly that. */
function toInstant(text: string): string {
  const rest = IN_UTC.test(text) ? RESTS.get(text.length) : undefined;
  if (rest === undefined) return new Date(text).toISOString();
  return `${text.slice(0, 10)}T${text.slice(11, -3)}${rest}`;
}

const IN_UTC = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?\+00$/;
/** What PostgreSQL leaves out at the end, by the length of its text. */
const RESTS: ReadonlyMap<number, string> = new Map([
  ['2026-01-01 00:00:00+00'.length, '.000Z'],
  ['2026-01-01 00:00:00.1+00'.length, '00Z'],
  ['2026-01-01 00:00:00.12+00'.length, '0Z'],
  ['2026-01-01 00:00:00.123+00'.length, 'Z'],
]);

/** What statements are written with. */
export type Sql = Awaited<ReturnType<ReturnType<typeof connect>['reserve']>>;

/** Ids as an array of PostgreSQL's. They must be ids: nothing in them is escaped. */
export function idArray(ids: readonly string[]): string {
  return `{${ids.join(',')}}`;
}
