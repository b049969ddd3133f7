import type { Owner } from '../store/owner.ts';
import { MAX_WAIT } from '../store/rules/execution/worker-input.ts';
import { createWaitQuota, type WaitLimits } from './quota.ts';

/** A call that waits. */
export interface Wait {
  /** Resolves when it is woken, or over. */
  next(): Promise<void>;
  /** Lets the next, or the pending, `next` resolve. */
  wake(): void;
  /** Whether its time is up, its request was stopped, or the server shuts down. */
  readonly isOver: boolean;
  /** Seconds until its time is up, rounded up. */
  readonly secondsLeft: number;
  /** Releases what it holds. It must be called. */
  end(): void;
}

/** The request of a call that waits. */
export interface StoppableRequest {
  /** Called when the request is stopped; null where nothing waits. */
  stopListeners: Set<() => void> | null;
  /**
   * When its calls wait no longer, by `performance.now()`; null before the first of them: one after the other would take
   * longer than a request may, and its answer would be lost.
   */
  waitsUntil: number | null;
}

/** The calls that wait, of all owners. */
export interface Waits {
  /** Begins to wait. @throws GraphQLError LIMIT_EXCEEDED where too many calls wait */
  begin(owner: Owner, seconds: number, request: StoppableRequest): Wait;
  /** How many calls wait. */
  count(): number;
  /** Ends all waits, and later ones at once: the server shuts down. Resolves once no call waits. */
  close(): Promise<void>;
}

/** Creates the registry of calls that wait. */
export function createWaits(limits: WaitLimits = {}): Waits {
  const quota = createWaitQuota(limits);
  const open = new Set<() => void>();
  let isClosed = false;
  let onIdle: (() => void) | null = null;

  return {
    begin(owner, seconds, request) {
      const release = quota.acquire(owner);
      const now = performance.now();
      request.waitsUntil ??= now + MAX_WAIT * 1_000;
      const endsAt = Math.min(now + seconds * 1_000, request.waitsUntil);
      let isOver = isClosed;
      let isWoken = false;
      let resume: (() => void) | null = null;

      function wake(): void {
        isWoken = true;
        resume?.();
      }
      function finish(): void {
        isOver = true;
        wake();
      }

      const timer = setTimeout(finish, Math.max(0, endsAt - now));
      open.add(finish);
      request.stopListeners ??= new Set();
      request.stopListeners.add(finish);
      return {
        wake,
        get isOver() {
          return isOver;
        },
        get secondsLeft() {
          return isOver ? 0 : Math.max(0, Math.ceil((endsAt - performance.now()) / 1_000));
        },
        async next() {
          if (!isWoken && !isOver) {
            await new Promise<void>((resolve) => {
              resume = resolve;
            });
          }
          isWoken = false;
          resume = null;
        },
        end() {
          clearTimeout(timer);
          open.delete(finish);
          request.stopListeners?.delete(finish);
          release();
          if (open.size === 0) onIdle?.();
        },
      };
    },
    count: quota.count,
    async close() {
      isClosed = true;
      for (const finish of open) finish();
      if (open.size === 0) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    },
  };
}
