import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { DatabaseConfig } from '../../../config.ts';
import type { Change } from '../../change.ts';
import { isOwner, type Owner } from '../../owner.ts';
import { CHANNEL } from './changes.ts';
import { idArray } from '../client/connect.ts';
import { type Connection, openConnection } from '../client/connection.ts';
import { type Database, inTime, Reader } from '../client/session.ts';

/** How often a listener looks whether it still hears, and how long that may take, in milliseconds. */
const PULSE = 5_000;
/** How long a listener waits before it connects again, in milliseconds. */
const PAUSE = 250;

/** What a listener does with what it hears. */
export interface ListenerOptions {
  /** Told of the changes of each mutation, in the order in which the mutations were stored. */
  readonly publish: (owner: Owner, changes: readonly Change[]) => void;
  /** Whether anybody here wants to know of an owner's changes. */
  readonly wants: (owner: Owner) => boolean;
  /** Told when changes may have been missed, and why. */
  readonly interrupt: (reason: string) => void;
}

/** Hears of the changes that all servers make. */
export interface Listener {
  /** Resolves once all that was stored before this call is published here. */
  catchUp(): Promise<void>;
  close(): Promise<void>;
}

/** Where the changes of a mutation are kept. */
interface HeardChanges {
  readonly owner: Owner;
  readonly id: string;
}

/** What was heard; a mark is what somebody waits for. */
type Heard = HeardChanges | { readonly mark: string };

/**
 * Starts to listen, and listens again when the connection was lost. What is missed meanwhile is not read again:
 * `interrupt` says that it was, once for those who listened before and once for those who came meanwhile.
 */
export async function listen(
  config: DatabaseConfig,
  database: Database,
  { publish, wants, interrupt }: ListenerOptions,
): Promise<Listener> {
  const marks = new Map<string, () => void>();
  const closing = new AbortController();
  let heard: Heard[] = [];
  let reading = false;
  let connection = await connectAndListen();
  let pulsing = false;
  const timer = setInterval(() => void pulse(), PULSE).unref();

  async function connectAndListen(): Promise<Connection> {
    const opened = await openConnection(config, {
      signal: closing.signal,
      first: `LISTEN ${CHANNEL}`,
      onNotify: hear,
    });
    opened.onLost = (error) => void listenAgain(error);
    return opened;
  }

  async function listenAgain({ message }: Error): Promise<void> {
    if (closing.signal.aborted) return;
    interrupt(message);
    for (;;) {
      try {
        connection = await connectAndListen();
        return interrupt('The server did not listen until now.');
      } catch {
        // Whoever uses the database is told why.
      }
      await wait(PAUSE, undefined, { ref: false });
      if (closing.signal.aborted) return;
    }
  }

  function hear(payload: string): void {
    const [id = '', ...rest] = payload.split(' ');
    const owner = rest.join(' ');
    if (isOwner(owner)) heard.push({ owner, id });
    else heard.push({ mark: id });
    if (!reading) void readOn();
  }

  /** Reads and publishes what was heard, until there is nothing more. */
  async function readOn(): Promise<void> {
    reading = true;
    while (heard.length > 0) {
      const now = heard;
      heard = [];
      try {
        const kept = await readKept(now.filter(isWanted));
        for (const one of now) if ('id' in one) publishKept(one, kept);
      } catch (error) {
        interrupt(error instanceof Error ? error.message : String(error));
      }
      for (const one of now) if ('mark' in one) marks.get(one.mark)?.();
    }
    reading = false;
  }

  function isWanted(one: Heard): one is HeardChanges {
    return 'id' in one && wants(one.owner);
  }

  /** @param kept by their ids; null where they should be and are not */
  function publishKept(
    { owner, id }: HeardChanges,
    kept: ReadonlyMap<string, readonly Change[] | null>,
  ): void {
    const changes = kept.get(id);
    // Who came while the others' were read is not told of what was before.
    if (changes === undefined) return;
    if (changes === null) interrupt('Changes were deleted before they were read.');
    else publish(owner, changes);
  }

  /** The changes of mutations: a statement for each owner. */
  async function readKept(
    wanted: readonly HeardChanges[],
  ): Promise<ReadonlyMap<string, readonly Change[] | null>> {
    const ids = new Map<Owner, string[]>();
    for (const { owner, id } of wanted) {
      const known = ids.get(owner);
      if (known === undefined) ids.set(owner, [id]);
      else known.push(id);
    }
    const reader = new Reader(database);
    const kept = await Promise.all(
      Array.from(ids, ([owner, ofOwner]) =>
        reader.read(owner, ({ sql, run }) =>
          run(sql<{ id: string; changes: readonly Change[] }[]>`SELECT id, changes FROM agent_graphql.changes
            WHERE owner = ${owner} AND id = ANY(${idArray(ofOwner)}::uuid[])`),
        ),
      ),
    );
    const all = new Map<string, readonly Change[] | null>(wanted.map(({ id }) => [id, null]));
    for (const { id, changes } of kept.flat()) all.set(id, changes);
    return all;
  }

  /** Resolves when this listener has heard a mark that it sent itself, and what was stored before that. */
  async function catchUp(): Promise<void> {
    const mark = randomUUID();
    try {
      await inTime(database, async (signal) => {
        const marked = new Promise<void>((resolve) => {
          marks.set(mark, resolve);
        });
        await database.pool.transaction('BEGIN', signal, ({ sql, run }) =>
          run(sql`SELECT pg_notify(${CHANNEL}, ${mark})`),
        );
        await marked;
      });
    } finally {
      marks.delete(mark);
    }
  }

  /** A connection can be lost without anybody noticing: one that does not answer is given up. */
  async function pulse(): Promise<void> {
    const { sql, isLost, end } = connection;
    if (pulsing || isLost) return;
    pulsing = true;
    try {
      await inTime({ statementTimeout: PULSE }, async () => sql`SELECT 1`);
    } catch {
      database.pool.closeIdle();
      end();
    } finally {
      pulsing = false;
    }
  }

  return {
    catchUp,
    async close() {
      closing.abort(new Error('The listener was closed.'));
      clearInterval(timer);
      connection.end();
    },
  };
}
