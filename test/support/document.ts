import { readFileSync } from 'node:fs';

/** Commands of a document, and what they print. */
export interface Step {
  /** Of a block of `sh`. */
  readonly commands: string;
  /** The block after it, of JSON or without a language; null where another one follows. */
  readonly output: string | null;
}

const ROOT = new URL('../../', import.meta.url);
const BLOCK = /^```(\w*)\n(.*?)^```$/gms;

/**
 * The steps of a document, in order.
 * @param file from the project's root
 * @param heading of the section that is read, with its `#`. Default: the whole file.
 */
export function stepsOf(file: string, heading?: string): readonly Step[] {
  const text = readFileSync(new URL(file, ROOT), 'utf8');
  const blocks = Array.from(sectionOf(text, heading).matchAll(BLOCK), ([, language = '', body = '']) => {
    return { language, body: body.trim() };
  });
  return blocks.flatMap(({ language, body }, index) => {
    if (language !== 'sh') return [];
    const next = blocks[index + 1];
    const isOutput = next?.language === 'json' || next?.language === '';
    return [{ commands: body, output: isOutput ? next.body : null }];
  });
}

function sectionOf(text: string, heading?: string): string {
  if (heading === undefined) return text;
  const start = text.indexOf(`\n${heading}\n`);
  if (start === -1) throw new Error(`There is no heading ${heading}.`);
  const [level = ''] = heading.split(' ');
  const end = text.indexOf(`\n${level} `, start + heading.length);
  return text.slice(start, end === -1 ? undefined : end);
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
