import { fileURLToPath } from 'node:url';
import type { Command } from './command.ts';
import { columns, describeOptions } from './help.ts';
import { runCommand } from './run-command.ts';
import { SERVE_OPTIONS } from './serve-options.ts';
import { PROGRAM } from './command-line.ts';
import { VERSION } from './version.ts';

/** The commands: what each does, and how it is loaded. */
const COMMANDS = new Map<string, { readonly summary: string; readonly load: () => Promise<Command> }>([
  [
    'serve',
    { summary: 'Serves the API. The default.', load: async () => (await import('./serve.ts')).serve },
  ],
  [
    'token',
    {
      summary: 'Prints a token for an owner or a worker.',
      load: async () => (await import('./token.ts')).token,
    },
  ],
  [
    'seed',
    { summary: 'Fills a running server with samples.', load: async () => (await import('./seed.ts')).seed },
  ],
  [
    'export',
    {
      summary: 'Writes all records to stdout.',
      load: async () => (await import('./export.ts')).exportArchive,
    },
  ],
  [
    'import',
    {
      summary: 'Reads all records from stdin.',
      load: async () => (await import('./import.ts')).importArchive,
    },
  ],
  [
    'migrate',
    {
      summary: 'Migrates a PostgreSQL database to the newest format.',
      load: async () => (await import('./migrate.ts')).migrateDatabase,
    },
  ],
  [
    'schema',
    { summary: 'Prints the GraphQL schema.', load: async () => (await import('./schema.ts')).schema },
  ],
]);

/** Where the variables are described: in the package, and in the repository. */
const VARIABLES = fileURLToPath(new URL('../../.env.example', import.meta.url));

/** Runs the program. @param words its arguments: a command, if any, and what belongs to it */
export async function runCli(words: readonly string[]): Promise<void> {
  const [first = ''] = words;
  if (first === '--version') return void process.stdout.write(`${VERSION}\n`);
  if (first === '--help') return void process.stdout.write(help());
  const isCommand = first !== '' && !first.startsWith('-');
  const command = COMMANDS.get(isCommand ? first : 'serve');
  if (command === undefined) {
    const accepted = [...COMMANDS.keys(), '--help', '--version'].join(', ');
    process.stderr.write(`Unknown command '${first}'. ${PROGRAM} accepts ${accepted}.\n`);
    process.exitCode = 1;
    return;
  }
  await runCommand(await command.load(), isCommand ? words.slice(1) : words);
}

function help(): string {
  const commands = Array.from(COMMANDS, ([name, { summary }]): [string, string] => [name, summary]);
  return `Usage: ${PROGRAM} [command] [options]

A GraphQL API for AI agents' assistants, threads and runs.

Commands:
${columns(commands)}
Options of serve:
${describeOptions(SERVE_OPTIONS, { '--version': 'Prints the version.' })}
All other settings are environment variables, which this file describes:
  ${VARIABLES}
Each command prints its options with --help.
`;
}
