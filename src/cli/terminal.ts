import type { WriteStream } from 'node:tty';
import type { Config } from '../config.ts';
import { createPaint, printable } from '../observability/paint.ts';
import { createTerminalLog } from '../observability/terminal-log.ts';
import type { Terminal } from '../start-server.ts';
import { startupSummary } from './startup-summary.ts';
import type { Environment } from './command.ts';
import { type Progress, showProgress } from './progress.ts';

/** The parts of a terminal that are used. */
export type TerminalOutput = Pick<WriteStream, 'write' | 'hasColors'> & { readonly isTTY?: boolean };

/**
 * Creates the terminal output of a server: the progress of opening the stores, a summary once it listens, and a log for
 * people.
 */
export function createTerminal(config: Config, output: TerminalOutput, env: Environment): Terminal {
  // It respects NO_COLOR and FORCE_COLOR: https://nodejs.org/api/tty.html#writestreamgetcolordepthenv
  const hasColors = output.hasColors(env);
  let progress: Progress | null = null;
  const endProgress = (): void => {
    progress?.end();
    progress = null;
  };
  return {
    createLog() {
      const place = placeOf(config);
      if (place !== null) progress = showProgress(output, () => `Opening ${place}`);
      const stream = {
        write(text: string, done?: () => void) {
          endProgress();
          return output.write(text, done);
        },
      };
      const showsOwners = !config.production;
      return createTerminalLog({ level: config.logLevel, stream, hasColors, showsOwners });
    },
    show(server) {
      endProgress();
      output.write(startupSummary(config, server, env, createPaint(hasColors)));
    },
  };
}

/** The name of the storage that takes time to open; null where none does. */
function placeOf({ dataDir, database }: Config): string | null {
  if (dataDir !== null) return printable(dataDir);
  return database === null ? null : 'PostgreSQL, and bringing it up to date';
}
