import { describe, expect, it } from 'vitest';
import { asOwner } from '../../../src/store/owner.ts';
import { createWaits, type StoppableRequest } from '../../../src/subscriptions/waits.ts';

const alice = asOwner('alice');

describe('the calls of one request that wait', () => {
  it('should share the time that one call may wait', async () => {
    const waits = createWaits();
    const request: StoppableRequest = { openWaits: null, waitsUntil: null };
    const first = waits.begin(alice, 10, request);
    expect(first.secondsLeft).toBe(10);
    first.end();
    // As if the first one had waited nearly for all of it.
    request.waitsUntil = performance.now() + 20;
    const second = waits.begin(alice, 10, request);
    expect(second.secondsLeft).toBe(1);
    await second.next();
    expect(second.isOver).toBe(true);
    second.end();
    const third = waits.begin(alice, 10, request);
    await third.next();
    expect(third.isOver).toBe(true);
    third.end();
  });

  it('should not share it with another request', () => {
    const waits = createWaits();
    waits.begin(alice, 1, { openWaits: null, waitsUntil: performance.now() }).end();
    const wait = waits.begin(alice, 10, { openWaits: null, waitsUntil: null });
    expect(wait.secondsLeft).toBe(10);
    wait.end();
  });
});
