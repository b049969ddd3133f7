/** Whether the server can be reached. Each change is reported once, however many calls wait for it. */
export interface Availability {
  unavailable(message: string): void;
  /** @param began when the call that has succeeded began, in milliseconds since 1970: it says nothing of later failures */
  available(began: number): void;
}

/**
 * @param report called with the message of the first call that failed, and with null once a call that began later has
 *   succeeded; and with when it did so, in milliseconds since 1970
 */
export function trackAvailability(report: (message: string | null, at: number) => void): Availability {
  /** The last failure since the server could be reached; null while it can. */
  let failedAt: number | null = null;
  return {
    unavailable(message) {
      const now = Date.now();
      if (failedAt === null) report(message, now);
      failedAt = now;
    },
    available(began) {
      if (failedAt === null || began < failedAt) return;
      failedAt = null;
      report(null, began);
    },
  };
}
