import { setImmediate } from 'node:timers/promises';

/** The turns of the event loop that Node.js takes to emit `close` for a socket that its client has closed. */
const CLOSE_EVENT_TURNS = 3;

/**
 * Waits until `close` was emitted for each connection that its client has closed already: the operating system would
 * accept a response to it, and nobody would read it.
 */
export async function waitForCloseEvents(): Promise<void> {
  for (let turn = 0; turn < CLOSE_EVENT_TURNS; turn++) await setImmediate();
}
