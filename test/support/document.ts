import { blocksOf, blocksUnder, withOutputs } from './blocks.ts';

/** Commands of a document, and what they print. */
export interface Step {
  /** Of a block of `sh`. */
  readonly commands: string;
  /** The block after it, of JSON or without a language; null where another one follows. */
  readonly output: string | null;
}

/**
 * The steps of a document, in order.
 * @param file from the project's root
 * @param heading of the section that is read. Default: the whole file.
 */
export function stepsOf(file: string, heading?: string): readonly Step[] {
  const blocks = heading === undefined ? blocksOf(file) : blocksUnder(file, heading);
  return withOutputs(blocks, ['sh']).map(({ body, output }) => ({ commands: body.trim(), output }));
}

/** Ids and leases: they are others each time. */
const CHOSEN = /(?<![\w-])(?:[0-9a-f]{32}|[\w-]{60,})(?![\w-])/g;
const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;

/** The names that a document has for ids and leases, and what they are in this run. */
export class Names {
  readonly #actual = new Map<string, string>();

  /** Commands with the ids and leases of this run. */
  inCommands(commands: string): string {
    return commands.replaceAll(CHOSEN, (name) => this.#actual.get(name) ?? name);
  }

  /**
   * An output as the document would have it, with its times; ids and leases that it names for the first time are learnt.
   * @param expected the document's
   */
  inOutput(expected: string, actual: string): string {
    const given = actual.match(CHOSEN) ?? [];
    for (const [index, name] of (expected.match(CHOSEN) ?? []).entries()) {
      const value = given[index];
      if (value !== undefined && !this.#actual.has(name)) this.#actual.set(name, value);
    }
    const names = new Map(Array.from(this.#actual, ([name, value]) => [value, name]));
    const times = expected.match(TIME)?.values();
    return actual
      .replaceAll(CHOSEN, (value) => names.get(value) ?? value)
      .replaceAll(TIME, (time) => times?.next().value ?? time);
  }
}
