/** An option of a command. */
export interface Option {
  /** What its value is, such as `number`; left out where it takes none. */
  readonly value?: string;
  /** The environment variable that it sets for the command. */
  readonly variable?: string;
  /** One line. */
  readonly description: string;
}

/** The parsed arguments of a command. */
export interface CommandArguments {
  /** The values of the options that take one. */
  readonly values: ReadonlyMap<string, string>;
  /** The options that take none. */
  readonly flags: ReadonlySet<string>;
  readonly positionals: readonly string[];
  /** The environment, with the variables that options set. */
  readonly env: Environment;
}

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A command of the program. */
export interface Command {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Its arguments besides options, such as `<owner>`; left out where it takes none. */
  readonly positionals?: string;
  /** By their names, without the dashes. */
  readonly options: Readonly<Record<string, Option>>;
  /**
   * Runs the command. Resolves to the last line, for stderr, of a command whose process ends then; to null for one that
   * lives on, or ends by itself.
   * @throws ConfigError, StoreError when it fails: their messages are printed
   */
  run(args: CommandArguments): Promise<string | null>;
}

/** The options of a command, with their dashes and with those that all commands have. */
export function optionsOf({ options }: Command): readonly string[] {
  const own = Object.entries(options).map(([name, { value }]) =>
    value === undefined ? `--${name}` : `--${name} <${value}>`,
  );
  return [...own, '--help'];
}
