import { randomUUID } from 'node:crypto';
import type { AppendedEvents } from '../../execution.ts';
import { type Owner, ownedKey } from '../../owner.ts';
import type { Database } from '../client/database.ts';
import type { Transaction } from '../client/pool.ts';
import { withTimeout } from '../client/timeout.ts';
import { CHANNEL } from './change-log.ts';

/** How long notifications of events are collected, in milliseconds: a commit with one takes a lock of the instance. */
const COLLECT_TIME = 25;
/** The pause before failed notifications are sent again, in milliseconds. */
const RETRY_DELAY = 500;
/** The most runs of one notification, whose payload has less than 8,000 bytes: an owner has up to 1,020. */
const RUNS_PER_NOTIFICATION = 5;

/** The announcements of a transaction, collected until it is committed. */
export class Announcements {
  /** Runs that can be claimed: one waiting claim is woken for each. */
  readonly ready: { readonly owner: Owner; readonly graphId: string; readonly count: number }[] = [];
  readonly appended: { readonly owner: Owner; readonly events: AppendedEvents }[] = [];
}

/** Announces waiting runs and new events to this server and to the others. */
export interface Announcer {
  /** The id of this server in its notifications, which it ignores itself. */
  readonly serverId: string;
  /** Announces what a committed transaction has done. The servers were notified of waiting runs by the transaction. */
  announce(announcements: Announcements): void;
  /** Sends what is collected. */
  flush(): Promise<void>;
  close(): void;
}

/** Notifies the other servers of runs that can be claimed, when the transaction commits. */
export async function notifyReady(
  { sql, run }: Transaction,
  owner: Owner,
  graphId: string,
  count: number,
  serverId: string,
): Promise<void> {
  await run(sql`SELECT pg_notify(${CHANNEL}, ${JSON.stringify(['ready', serverId, owner, graphId, count])})`);
}

/** Creates an announcer. It calls the callbacks at once, and notifies the other servers of events after `COLLECT_TIME`. */
export function createAnnouncer(
  database: Database,
  onReady: (owner: Owner, graphId: string) => void,
  publishEvents: (owner: Owner, appended: AppendedEvents) => void,
): Announcer {
  const serverId = randomUUID();
  /** By owner and run. */
  let collected = new Map<string, readonly [owner: Owner, runId: string]>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function flushLater(delay: number): void {
    if (isClosed) return;
    timer ??= setTimeout(() => {
      // Another attempt is made by `flush` itself.
      flush().catch(() => {});
    }, delay).unref();
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const sending = collected;
    if (sending.size === 0) return;
    collected = new Map();
    const runs = [...sending.values()];
    const payloads: string[] = [];
    for (let i = 0; i < runs.length; i += RUNS_PER_NOTIFICATION) {
      payloads.push(JSON.stringify(['events', serverId, ...runs.slice(i, i + RUNS_PER_NOTIFICATION)]));
    }
    try {
      await withTimeout(database, (signal) =>
        database.pool.transaction('BEGIN', signal, ({ sql, run }) =>
          run(sql`SELECT pg_notify(${CHANNEL}, payload)
            FROM json_array_elements_text(${JSON.stringify(payloads)}::text::json) AS payloads (payload)`),
        ),
      );
    } catch (error) {
      for (const [key, run] of sending) collected.set(key, run);
      flushLater(RETRY_DELAY);
      throw error;
    }
  }

  return {
    serverId,
    announce({ ready, appended }) {
      for (const { owner, graphId, count } of ready) {
        for (let i = 0; i < count; i++) onReady(owner, graphId);
      }
      for (const { owner, events } of appended) {
        collected.set(ownedKey(owner, events.run.id), [owner, events.run.id]);
        publishEvents(owner, events);
      }
      if (appended.length > 0) flushLater(COLLECT_TIME);
    },
    flush,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
