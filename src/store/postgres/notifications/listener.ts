import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { errorMessage } from '../../../lib/error-message.ts';
import type { Change } from '../../change.ts';
import { isOwner, type Owner } from '../../owner.ts';
import { StoreError } from '../../store-error.ts';
import type { Connection } from '../client/connection.ts';
import type { Database } from '../client/database.ts';
import { openConnection } from '../client/open-connection.ts';
import { SnapshotReader } from '../client/snapshot-reader.ts';
import { withTimeout, withTimer } from '../client/timeout.ts';
import type { DatabaseConfig } from '../client/database-config.ts';
import { parseAnnouncement, type RunRef } from './announcement.ts';
import { CHANNEL } from './change-log.ts';
import { type AnnouncementObserver, deliver, publishRuns } from './deliver-announcements.ts';
import { type LoggedMutation, readChanges } from './read-changes.ts';

/** The times of a listener, in milliseconds. */
export interface ListenerTimes {
  /** The interval of heartbeats on its connection. Default: 5,000. */
  readonly heartbeatInterval: number;
  /** The time limit of a heartbeat. Default: 5,000. */
  readonly heartbeatTimeout: number;
  /** The pause before another attempt to connect. Default: 250. */
  readonly reconnectDelay: number;
}

const DEFAULT_TIMES: ListenerTimes = {
  heartbeatInterval: 5_000,
  heartbeatTimeout: 5_000,
  reconnectDelay: 250,
};

/** What a listener calls. */
export interface ListenerOptions extends AnnouncementObserver {
  /** Called with the changes of each mutation, in the order in which the mutations were committed. */
  readonly publish: (owner: Owner, changes: readonly Change[]) => void;
  /** Called when changes may have been missed. */
  readonly onMissedChanges: (reason: string) => void;
  readonly times?: Partial<ListenerTimes> | undefined;
}

/** Publishes the changes that all servers make. */
export interface Listener {
  /** Whether notifications of other servers are received. */
  isListening(): boolean;
  /** Resolves when all that was committed before this call is published in this process. */
  drainNotifications(): Promise<void>;
  close(): Promise<void>;
}

/** A notification was sent and did not arrive. */
class NotDeliveredError extends StoreError {
  constructor() {
    super(
      'DATABASE_URL names a database whose notifications do not arrive: a pooler in front of it must be in session mode.',
    );
  }
}

/**
 * A notification: of a mutation's changes, of runs with new events, or of a barrier, which marks a point in the order of
 * notifications.
 */
type Notification = LoggedMutation | { readonly runs: readonly RunRef[] } | { readonly barrier: string };

/**
 * Listens for notifications on a connection of its own, and reconnects when that is lost, or when a notification that
 * is sent by another connection does not arrive: at the start, and in each heartbeat. Notifications that are missed
 * meanwhile are not recovered: `onMissedChanges` is called when the connection is lost, for the subscribers of before,
 * and when it is open again, for those who subscribed meanwhile.
 * @throws StoreError when no notification arrives at the start
 */
export async function listen(
  config: DatabaseConfig,
  database: Database,
  options: ListenerOptions,
): Promise<Listener> {
  const { publish, hasSubscribers, onMissedChanges, times } = options;
  const { heartbeatInterval, heartbeatTimeout, reconnectDelay } = { ...DEFAULT_TIMES, ...times };
  /** Called when a barrier arrives and all before it is published, by its id. */
  const barriers = new Map<string, () => void>();
  /** Called when a ping arrives, by its id. */
  const pings = new Map<string, () => void>();
  const closing = new AbortController();
  let queue: Notification[] = [];
  let isProcessing = false;
  let isListening = false;
  let isHeartbeatPending = false;
  let connection = await connectAndListen();
  const timer = setInterval(() => void heartbeat(), heartbeatInterval).unref();

  async function connectAndListen(): Promise<Connection> {
    const opened = await openConnection(config, closing.signal, { channel: CHANNEL, onNotification });
    const endOnClose = (): void => opened.end();
    closing.signal.addEventListener('abort', endOnClose);
    try {
      const lost = new Promise<never>((_, reject) => {
        opened.onLost = reject;
      });
      await Promise.race([ping(config.connectTimeout), lost]);
    } catch (error) {
      opened.end();
      throw error;
    } finally {
      closing.signal.removeEventListener('abort', endOnClose);
    }
    opened.onLost = (error) => void reconnect(error);
    isListening = true;
    return opened;
  }

  async function reconnect({ message }: Error): Promise<void> {
    isListening = false;
    if (closing.signal.aborted) return;
    onMissedChanges(message);
    for (;;) {
      try {
        connection = await connectAndListen();
        return onMissedChanges('the server did not listen until now');
      } catch {
        // Requests report why the database cannot be reached.
      }
      await wait(reconnectDelay, undefined, { ref: false });
      if (closing.signal.aborted) return;
    }
  }

  function onNotification(payload: string): void {
    const arrive = pings.get(payload);
    if (arrive !== undefined) return arrive();
    const announced = parseAnnouncement(payload);
    if (announced !== null) return enqueue({ runs: deliver(options, announced) });
    const [id = '', ...rest] = payload.split(' ');
    const owner = rest.join(' ');
    enqueue(isOwner(owner) ? { owner, id } : { barrier: id });
  }

  function enqueue(notification: Notification): void {
    queue.push(notification);
    if (!isProcessing) void processQueue();
  }

  async function processQueue(): Promise<void> {
    isProcessing = true;
    while (queue.length > 0) {
      const notifications = queue;
      queue = [];
      try {
        const mutations = notifications.filter((one) => 'id' in one);
        const read = mutations.filter(({ owner }) => hasSubscribers(owner));
        const changes = await readChanges(new SnapshotReader(database), read);
        for (const { owner, id } of read) publishOrReport(owner, changes.get(id));
        const runs = notifications.flatMap((one) => ('runs' in one ? one.runs : []));
        await publishRuns(database, options, runs);
      } catch (error) {
        onMissedChanges(errorMessage(error));
      }
      for (const one of notifications) if ('barrier' in one) barriers.get(one.barrier)?.();
    }
    isProcessing = false;
  }

  function publishOrReport(owner: Owner, changes: readonly Change[] | undefined): void {
    if (changes === undefined) onMissedChanges('Changes were deleted before they were read.');
    else publish(owner, changes);
  }

  function notify(id: string, signal: AbortSignal): Promise<unknown> {
    return database.pool.transaction('BEGIN', signal, ({ sql, run }) =>
      run(sql`SELECT pg_notify(${CHANNEL}, ${id})`),
    );
  }

  /** Sends a barrier, and waits until it arrives here and all before it is published. */
  async function drainNotifications(): Promise<void> {
    const id = randomUUID();
    const arrival = new Promise<void>((resolve) => void barriers.set(id, resolve));
    try {
      await withTimeout(database, async (signal) => {
        await notify(id, signal);
        await arrival;
      });
    } finally {
      barriers.delete(id);
    }
  }

  /**
   * Sends a notification by a connection of the pool, and waits until it arrives here.
   * @param sendTimeout in milliseconds
   * @throws NotDeliveredError when it was sent and does not arrive; StoreUnavailable when it was not sent
   */
  async function ping(sendTimeout: number): Promise<void> {
    const id = randomUUID();
    const arrival = new Promise<void>((resolve) => void pings.set(id, resolve));
    try {
      await withTimeout({ statementTimeout: sendTimeout }, (signal) => notify(id, signal));
      await withTimer(
        { statementTimeout: heartbeatTimeout },
        () => arrival,
        () => {},
      ).catch(() => {
        throw new NotDeliveredError();
      });
    } finally {
      pings.delete(id);
    }
  }

  /**
   * Closes the connection when it does not answer, since a half-open connection reports no error, or when a ping does
   * not arrive. A ping that could not be sent is no failure: the pool may be busy.
   */
  async function heartbeat(): Promise<void> {
    const { sql, isLost, end } = connection;
    if (isHeartbeatPending || isLost) return;
    isHeartbeatPending = true;
    const timeout = { statementTimeout: heartbeatTimeout };
    const [answer, arrival] = await Promise.allSettled([
      withTimeout(timeout, async () => sql`SELECT 1`),
      ping(heartbeatTimeout),
    ]);
    isHeartbeatPending = false;
    if (answer.status === 'rejected') {
      database.pool.closeIdle();
      end('the connection does not answer');
    } else if (arrival.status === 'rejected' && arrival.reason instanceof NotDeliveredError) {
      end('notifications do not arrive');
    }
  }

  return {
    isListening: () => isListening,
    drainNotifications,
    async close() {
      closing.abort(new Error('The listener was closed.'));
      clearInterval(timer);
      connection.end();
    },
  };
}
