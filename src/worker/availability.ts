/** Whether the server can be reached. Each change is reported once, however many calls wait for it. */
export interface Availability {
  unavailable(message: string): void;
  available(): void;
}

/** @param report called with the message of the first call that failed, and with null once a call has succeeded again */
export function trackAvailability(report: (message: string | null) => void): Availability {
  let isAvailable = true;
  return {
    unavailable(message) {
      if (isAvailable) report(message);
      isAvailable = false;
    },
    available() {
      if (!isAvailable) report(null);
      isAvailable = true;
    },
  };
}
