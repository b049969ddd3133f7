import { readConfig } from '../config.ts';
import { startServer } from '../start-server.ts';
import type { Command } from './command.ts';
import { SERVE_OPTIONS } from './serve-options.ts';
import { createTerminal } from './terminal.ts';
import { commandLineWith } from './command-line.ts';

/** The options that set the variables of ports. */
const OPTION_OF: Readonly<Record<string, string>> = { PORT: 'port' };

/** Serves the API, until it is stopped. */
export const serve: Command = {
  name: 'serve',
  summary: 'Serves the API. All other settings are environment variables: .env.example has them.',
  options: SERVE_OPTIONS,
  async run({ env }) {
    const config = readConfig(env);
    const { stdout } = process;
    await startServer(config, {
      terminal: stdout.isTTY ? createTerminal(config, stdout, env) : null,
      startWith: (variable, value) => commandLineWith(variable, OPTION_OF[variable] ?? null, value, env),
    });
    return null;
  },
};
