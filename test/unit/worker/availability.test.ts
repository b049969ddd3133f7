import { expect, it, vi } from 'vitest';
import { trackAvailability } from '../../../src/worker/availability.ts';

it('should be reported once, whatever calls that began before a failure say of it', () => {
  vi.useFakeTimers({ now: 1_000 });
  try {
    const reports: (string | null)[] = [];
    const availability = trackAvailability((message) => reports.push(message));
    availability.available(1_000);
    vi.setSystemTime(2_000);
    availability.unavailable('The server is closing.');
    // A call that the closing server has still answered.
    availability.available(1_500);
    availability.unavailable('Nothing listens.');
    vi.setSystemTime(3_000);
    availability.unavailable('Nothing listens.');
    availability.available(2_500);
    expect(reports).toEqual(['The server is closing.']);
    availability.available(3_000);
    availability.available(3_001);
    expect(reports).toEqual(['The server is closing.', null]);
  } finally {
    vi.useRealTimers();
  }
});
