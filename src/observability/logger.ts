import { type Logger, pino } from 'pino';
import type { LogLevel } from './log-level.ts';
import type { WriteLine } from './request-log.ts';

/**
 * The maximum size of lines that wait to be written, in bytes. Further lines are dropped: a reader that is stuck must not
 * stop the server.
 */
const MAX_UNWRITTEN_BYTES = 16_777_216;
/** How long the last lines may take to be written at shutdown, in milliseconds. */
const FLUSH_TIMEOUT = 500;

/**
 * Creates a logger that writes lines of JSON to stdout.
 * @returns the logger, which writes each line at once, and a function that writes lines up to 50 ms later
 */
export function createLogger(level: LogLevel): { readonly log: Logger; readonly write: WriteLine } {
  // A minLength of 1 writes at once too, and makes `flush` wait for the lines that are being written.
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: 1,
    maxLength: MAX_UNWRITTEN_BYTES,
  });
  const lines = bufferLines(destination);
  const unbuffered: Lines = {
    write(line) {
      lines.write(line);
      lines.flush();
    },
    flush: lines.flush,
  };
  return { log: pino({ level }, unbuffered), write: lines.write };
}

/** How long a line is buffered at most, in milliseconds. */
const BUFFER_TIME = 50;
/** The size of the buffer, in bytes. */
const BUFFER_BYTES = 65_536;
/** The maximum length of a UTF-16 code unit in UTF-8, in bytes. */
const BYTES_PER_CODE_UNIT = 3;

/**
 * Buffers lines, since a write takes longer than many lines. sonic-boom's own buffering (`minLength`, `periodicFlush`)
 * takes twice the CPU time of this: it measures the whole buffer again with each line.
 */
function bufferLines(destination: Destination): Lines {
  // A line is copied at once: the strings that it is made of would live until it is written.
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let length = 0;
  let isScheduled = false;
  let hasFailed = false;
  // A log that cannot be written, on a full disk, stops no server. What waits is tried again with the next line.
  destination.on('error', () => {
    hasFailed = true;
  });
  destination.on('write', () => {
    hasFailed = false;
  });
  const flushSync = destination.flushSync.bind(destination);
  // pino calls it too when the process ends, and it would try again until it succeeds.
  destination.flushSync = () => {
    if (!hasFailed) flushSync();
  };
  function writeBuffer(): void {
    if (length === 0) return;
    const text = buffer.toString('utf8', 0, length);
    length = 0;
    destination.write(text);
  }
  function onTimeout(): void {
    isScheduled = false;
    writeBuffer();
  }
  process.once('exit', () => {
    writeBuffer();
    destination.flushSync();
  });
  return {
    write(line) {
      const maxBytes = BYTES_PER_CODE_UNIT * line.length;
      if (maxBytes > BUFFER_BYTES - length) writeBuffer();
      if (maxBytes > BUFFER_BYTES) return void destination.write(line);
      if (!isScheduled) setTimeout(onTimeout, BUFFER_TIME);
      isScheduled = true;
      length += buffer.write(line, length);
    },
    flush(done) {
      writeBuffer();
      if (done !== undefined) destination.flush(done);
    },
  };
}

type Destination = ReturnType<typeof pino.destination>;

/** A buffered stream of lines. */
interface Lines {
  readonly write: WriteLine;
  /** Writes the buffer. @param done called when all lines are written */
  readonly flush: (done?: (error?: Error) => void) => void;
}

/** Resolves to whether all lines were written within 500 ms. */
export function flushed(logger: Logger): Promise<boolean> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), FLUSH_TIMEOUT).unref();
    logger.flush(() => resolve(true));
  });
}
