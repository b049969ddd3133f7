import { type Logger, pino } from 'pino';
import type { LogLevel } from '../config.ts';
import type { WriteLine } from './request-log.ts';

/**
 * Log lines that wait for a reader that has stopped to read, in bytes: lines beyond are dropped. Their writer does
 * not wait: a stuck reader must not stop the server.
 */
const MAX_UNREAD = 16_777_216;
/** How long the last lines may take to a reader that is slow, in milliseconds. */
const FLUSH_PATIENCE = 500;

/** Logs to stdout, a line of JSON each. */
export function createLogger(level: LogLevel): { readonly log: Logger; readonly write: WriteLine } {
  // Written at once all the same; without a length there is nothing to wait for at the end.
  const lines = gathered(pino.destination({ dest: 1, sync: false, minLength: 1, maxLength: MAX_UNREAD }));
  const atOnce: Lines = {
    write(line) {
      lines.write(line);
      lines.flush();
    },
    flush: lines.flush,
  };
  return { log: pino({ level }, atOnce), write: lines.write };
}

/** How long lines are gathered at most, in milliseconds: each write costs more than many lines. */
const GATHERING = 50;
/** How much is gathered at most, in bytes. */
const MAX_GATHERED = 65_536;
/** A character takes so many bytes at most. */
const BYTES_PER_CHARACTER = 3;

/** Writes lines that come shortly one after the other together. */
function gathered(destination: Destination): Lines {
  // Each line is copied at once: what it is put together from would live until it is written.
  const lines = Buffer.allocUnsafeSlow(MAX_GATHERED);
  let length = 0;
  let isDue = false;
  function send(): void {
    if (length === 0) return;
    const all = lines.toString('utf8', 0, length);
    length = 0;
    destination.write(all);
  }
  function sendDue(): void {
    isDue = false;
    send();
  }
  process.once('exit', () => {
    send();
    destination.flushSync();
  });
  return {
    write(line) {
      const most = BYTES_PER_CHARACTER * line.length;
      if (most > MAX_GATHERED - length) send();
      if (most > MAX_GATHERED) return void destination.write(line);
      if (!isDue) setTimeout(sendDue, GATHERING);
      isDue = true;
      length += lines.write(line, length);
    },
    flush(done) {
      send();
      if (done !== undefined) destination.flush(done);
    },
  };
}

type Destination = ReturnType<typeof pino.destination>;

/** Lines on their way to a destination. */
interface Lines {
  readonly write: WriteLine;
  /** Writes what is gathered. @param done called when nothing is left to be written */
  readonly flush: (done?: (error?: Error) => void) => void;
}

/** Whether all lines are written, once they are or their reader has taken too long. */
export function flushed(logger: Logger): Promise<boolean> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), FLUSH_PATIENCE).unref();
    logger.flush(() => resolve(true));
  });
}
