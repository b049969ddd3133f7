/** Something that ends at a time. */
export interface Expiring {
  /** By `performance.now()`. */
  readonly expiresAt: number;
  expire(): void;
}

/** The interval between two checks of the deadlines, in milliseconds. Each checks all of them. */
const MIN_GAP = 50;

/** The longest time for a timer, in milliseconds: 24 days. Node.js lets one of 25 days run at once. */
const MAX_DELAY = 24 * 24 * 3_600_000;

/**
 * Deadlines with one timer for all of them, which takes less memory than one for each. A deadline that is less than 50 ms
 * after another one expires up to 50 ms late.
 */
export class Deadlines {
  readonly #open = new Set<Expiring>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;

  add(deadline: Expiring): void {
    this.#open.add(deadline);
    if (deadline.expiresAt < this.#timerAt) this.#setTimer(deadline.expiresAt);
  }

  /** Lets all expire now. */
  expireAll(): void {
    for (const deadline of this.#open) {
      this.#open.delete(deadline);
      deadline.expire();
    }
  }

  delete(deadline: Expiring): void {
    this.#open.delete(deadline);
    if (this.#open.size === 0) this.#setTimer(Infinity);
  }

  #setTimer(at: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Infinity) return;
    const now = performance.now();
    this.#timerAt = Math.min(at, now + MAX_DELAY);
    this.#timer = setTimeout(() => this.#expire(), Math.ceil(Math.max(0, this.#timerAt - now)));
  }

  #expire(): void {
    // The timer may be a millisecond early.
    const now = Math.max(performance.now(), this.#timerAt);
    let next = Infinity;
    this.#timerAt = now;
    for (const deadline of this.#open) {
      if (deadline.expiresAt > now) next = Math.min(next, deadline.expiresAt);
      else {
        this.#open.delete(deadline);
        deadline.expire();
      }
    }
    this.#setTimer(Math.max(next, now + MIN_GAP));
  }
}
