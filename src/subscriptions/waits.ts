import { Deadlines, type Expiring } from '../lib/deadlines.ts';
import type { Owner } from '../store/owner.ts';
import { MAX_WAIT } from '../store/rules/execution/worker-input.ts';
import { createWaitQuota, type Quota, type WaitLimits } from './quota.ts';

/** A call that waits. */
export interface Wait {
  /** Calls the listener once, when this is woken or over, but never before the running code has returned. */
  onceWoken(listener: WakeListener): void;
  /** Resolves when it is woken, or over. */
  next(): Promise<void>;
  /** Wakes the listener, or the next one. */
  wake(): void;
  /** Whether its time is up, its request was stopped, or the server shuts down. */
  readonly isOver: boolean;
  /** Seconds until its time is up, rounded up. */
  readonly secondsLeft: number;
  /** Releases what it holds. It must be called. */
  end(): void;
}

/** What continues when a wait is woken. */
export interface WakeListener {
  onWoken(): void;
}

/** The request of a call that waits. */
export interface StoppableRequest {
  /** The waits of its calls, which end when the request is stopped; null before the first of them. */
  openWaits: { expire(): void }[] | null;
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
  return new WaitRegistry(createWaitQuota(limits));
}

class WaitRegistry implements Waits {
  readonly #quota: Quota;
  readonly #deadlines = new Deadlines();
  #isClosed = false;
  #onIdle: (() => void) | null = null;

  constructor(quota: Quota) {
    this.#quota = quota;
  }

  begin(owner: Owner, seconds: number, request: StoppableRequest): Wait {
    this.#quota.acquire(owner);
    const now = performance.now();
    request.waitsUntil ??= now + MAX_WAIT * 1_000;
    const endsAt = Math.min(now + seconds * 1_000, request.waitsUntil);
    const wait = new OpenWait(this, owner, endsAt);
    if (this.#isClosed) wait.expire();
    this.#deadlines.add(wait);
    // A list that is made with one item has room for one. Requests seldom wait twice.
    if (request.openWaits === null) request.openWaits = [wait];
    else request.openWaits.push(wait);
    return wait;
  }

  remove(wait: OpenWait): void {
    this.#deadlines.delete(wait);
    this.#quota.release(wait.owner);
    if (this.count() === 0) this.#onIdle?.();
  }

  count(): number {
    return this.#quota.count();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#deadlines.expireAll();
    if (this.count() === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }
}

/** A class, and no closures: thousands of calls may wait. */
class OpenWait implements Wait, Expiring {
  readonly owner: Owner;
  readonly #registry: WaitRegistry;
  readonly expiresAt: number;
  #listener: WakeListener | null = null;
  #isWoken = false;
  isOver = false;

  constructor(registry: WaitRegistry, owner: Owner, expiresAt: number) {
    this.owner = owner;
    this.#registry = registry;
    this.expiresAt = expiresAt;
  }

  get secondsLeft(): number {
    return this.isOver ? 0 : Math.max(0, Math.ceil((this.expiresAt - performance.now()) / 1_000));
  }

  onceWoken(listener: WakeListener): void {
    this.#listener = listener;
    if (this.#isWoken || this.isOver) this.wake();
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.onceWoken({ onWoken: resolve }));
  }

  wake(): void {
    const listener = this.#listener;
    this.#listener = null;
    this.#isWoken = listener === null;
    // The caller of `wake` may be in the middle of a change.
    if (listener !== null) queueMicrotask(() => listener.onWoken());
  }

  expire(): void {
    this.isOver = true;
    this.wake();
  }

  end(): void {
    this.#registry.remove(this);
  }
}
