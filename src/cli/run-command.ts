import { parseArgs } from 'node:util';
import { ConfigError } from '../lib/config-error.ts';
import { errorMessage } from '../lib/error-message.ts';
import { StoreError } from '../store/store-error.ts';
import { type Command, type CommandArguments, type Environment, optionsOf } from './command.ts';
import { helpOf } from './help.ts';

/**
 * Runs a command. A command that ends the process does so with exit code 0, or with 1 and one line on stderr that says why.
 * @param words what follows the command's name
 */
export async function runCommand(
  command: Command,
  words: readonly string[],
  env: Environment = process.env,
): Promise<void> {
  let args: CommandArguments | null = null;
  try {
    args = parse(command, words, env);
    if (args.flags.has('help')) return void process.stdout.write(helpOf(command));
    const line = await command.run(args);
    if (line !== null) exit(line, 0);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StoreError)) throw error;
    exit(inWordsOf(command, args, error.message), 1);
  }
}

function parse(command: Command, words: readonly string[], env: Environment): CommandArguments {
  const options = Object.fromEntries(
    Object.entries({ ...command.options, help: HELP }).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  let parsed;
  try {
    parsed = parseArgs({
      args: [...words],
      allowPositionals: command.positionals !== undefined,
      options,
    });
  } catch (error) {
    // The first sentence: the others have suggestions, on lines of their own.
    const [problem] = errorMessage(error).split(/\.\s/);
    throw new ConfigError(`${problem}. ${acceptedBy(command)}`);
  }
  const values = new Map<string, string>();
  const flags = new Set<string>();
  for (const [name, value] of Object.entries(parsed.values)) {
    if (typeof value === 'string') values.set(name, value);
    else if (value === true) flags.add(name);
  }
  return { values, flags, positionals: parsed.positionals, env: withOptions(command, values, env) };
}

const HELP: { readonly value?: string } = {};

/** What a command accepts, in one sentence. */
function acceptedBy(command: Command): string {
  const { positionals } = command;
  const accepted = [...(positionals === undefined ? [] : [positionals]), ...optionsOf(command)];
  return `${command.name} accepts ${accepted.join(', ')}.`;
}

/** The environment with the variables that options set. An empty value would count as not set. */
function withOptions(
  { options }: Command,
  values: ReadonlyMap<string, string>,
  env: Environment,
): Environment {
  const set: Record<string, string> = {};
  for (const [name, { variable }] of Object.entries(options)) {
    const value = values.get(name);
    if (value === undefined || variable === undefined) continue;
    if (value === '') throw new ConfigError(`--${name} must not be empty.`);
    set[variable] = value;
  }
  return { ...env, ...set };
}

/** A message with the option that was given in place of its variable. */
function inWordsOf({ options }: Command, args: CommandArguments | null, message: string): string {
  for (const [name, { variable }] of Object.entries(options)) {
    if (variable === undefined || args?.values.has(name) !== true) continue;
    if (message.startsWith(`${variable} `)) return `--${name}${message.slice(variable.length)}`;
  }
  return message;
}

/** Ends the process explicitly: an open stdin, or one of two ports, would keep it alive. */
function exit(line: string, code: number): void {
  process.stderr.write(`${line}\n`, () => process.exit(code));
}
