import { RequestError } from './request-error.ts';

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;

/**
 * How long to wait before the next try, in milliseconds: longer each time, with jitter, so that many clients do not come
 * back at the same moment after a restart.
 * @param failures how many tries have failed, 1 or more
 */
export function pauseAfter(failures: number, error: unknown): number {
  const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1)) * (0.5 + Math.random());
  const asked = error instanceof RequestError ? (error.retryAfter ?? 0) * 1_000 : 0;
  return Math.max(pause, Math.min(asked, LONGEST_PAUSE));
}

/** Waits. @throws the reason of the signal once it is aborted */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(finish, milliseconds);
    function finish(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    }
    signal.addEventListener('abort', finish);
  });
  signal.throwIfAborted();
}
