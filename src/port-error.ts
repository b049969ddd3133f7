import { freePortAfter } from './http/server/free-port.ts';
import { ConfigError } from './lib/config-error.ts';

/** A port that could not be listened on. */
export interface RefusedPort {
  /** The name of its variable. */
  readonly variable: 'PORT' | 'METRICS_PORT';
  readonly host: string;
  readonly port: number;
  /** Returns the command line that starts the server with another value of a variable. */
  readonly startWith: (variable: string, value: number) => string;
}

/** The error that names a refused port and what to do, for an error of the system; an unexpected error as it is. */
export async function portError(
  { variable, host, port, startWith }: RefusedPort,
  error: unknown,
): Promise<unknown> {
  switch (codeOf(error)) {
    case 'EADDRINUSE': {
      const free = await freePortAfter(host, port);
      const example = free === null ? '' : `: ${startWith(variable, free)}`;
      return new ConfigError(
        `${variable} ${port} is in use by another process: stop that one, or choose another${example}`,
      );
    }
    case 'EACCES':
      return new ConfigError(`${variable} ${port} is not open to this user: choose one above 1023.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError('HOST is not an address of this machine.');
    default:
      return error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
