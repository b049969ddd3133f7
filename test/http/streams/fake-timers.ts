import { onTestFinished, vi } from 'vitest';

/** Makes the time of a test stand still: timers, and all clocks. Streams and sockets go on. */
export function useFakeTimers(): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  });
  onTestFinished(() => void vi.useRealTimers());
}
