import { onTestFinished, vi } from 'vitest';
import type { Stores } from '../../../src/store/stores.ts';
import { openApi } from '../../support/api.ts';

/**
 * Stores in which a look-up of a thread takes some time, by a clock that stands still otherwise.
 * @param time in milliseconds
 */
export function storesThatTake(time: number): Stores {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { stores } = openApi();
  const get = (): null => {
    vi.advanceTimersByTime(time);
    return null;
  };
  return { ...stores, threads: { ...stores.threads, get } };
}
