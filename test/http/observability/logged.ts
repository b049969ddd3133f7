import { pino } from 'pino';
import type { LogLevel } from '../../../src/observability/log-level.ts';
import { createErrorLog, createRequestLog } from '../../../src/observability/request-log.ts';
import { openApi, type TestParts } from '../../support/api.ts';

/** A line of the log, parsed. */
export type Line = Readonly<Record<string, unknown>>;

/** An API whose log can be read. */
export function openLogged(parts: TestParts = {}, level: LogLevel = 'info') {
  const written: string[] = [];
  const write = (line: string): void => void written.push(line);
  const logger = pino({ level }, { write });
  const observers = [createRequestLog(logger, write)];
  const opened = openApi({ observers, log: createErrorLog(logger), ...parts });
  return {
    ...opened,
    /** As they were written. */
    written,
    lines: (): Line[] => written.map((line) => JSON.parse(line)),
    /** The only line that there is. */
    line(): Line {
      const [line, ...more] = written;
      if (line === undefined || more.length > 0) throw new TypeError(`Not one line: ${written.join('')}`);
      return JSON.parse(line);
    },
  };
}
