import type { WriteStream } from 'node:tty';

/** The interval of updates, in milliseconds. */
const INTERVAL = 200;

/** A progress line on a terminal, which later output overwrites. */
export interface Progress {
  /** Removes the line. */
  end(): void;
}

/** Where progress is shown, such as stderr. */
export type ProgressStream = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean };

/**
 * Shows progress while something is done; nothing where the stream is no terminal.
 * @param text called for each update
 */
export function showProgress(stream: ProgressStream, text: () => string): Progress {
  if (stream.isTTY !== true) return { end() {} };
  const show = (): void => void stream.write(`${CLEAR_LINE}${text()} …`);
  show();
  const timer = setInterval(show, INTERVAL).unref();
  return {
    end() {
      clearInterval(timer);
      stream.write(CLEAR_LINE);
    },
  };
}

/** To the start of the line, and deletes it: https://en.wikipedia.org/wiki/ANSI_escape_code#CSI */
const CLEAR_LINE = '\r\u001B[K';
