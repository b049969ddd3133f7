import type { Command } from './command.ts';
import { PROGRAM } from './command-line.ts';

/** The help of a command: its usage, its description and its options. */
export function helpOf(command: Command): string {
  const { name, summary, positionals, options } = command;
  const words = [PROGRAM, name, positionals, '[options]'].filter((word) => word !== undefined);
  return `Usage: ${words.join(' ')}\n\n${summary}\n\nOptions:\n${describeOptions(options)}`;
}

/** The lines of options, with that of `--help`. */
export function describeOptions(
  options: Command['options'],
  more: Readonly<Record<string, string>> = {},
): string {
  const own = Object.entries(options).map(([name, { value, description, variable }]): Entry => [
    value === undefined ? `--${name}` : `--${name} <${value}>`,
    variable === undefined ? description : `${description} Sets ${variable}.`,
  ]);
  return columns([...own, ['--help', 'Prints this help.'], ...Object.entries(more)]);
}

/** A name and what it means. */
type Entry = readonly [name: string, description: string];

/** Lines of two columns. */
export function columns(entries: readonly Entry[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, description]) => `  ${name.padEnd(width)}  ${description}\n`).join('');
}
