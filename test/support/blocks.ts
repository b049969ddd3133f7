import { readFileSync } from 'node:fs';

/** A fenced block of a page. */
export interface Block {
  /** The page's path from the project's root. */
  readonly page: string;
  /** Where its fence is, from 1. */
  readonly line: number;
  /** The headings that it is under, from the page's title down, without their `#`. */
  readonly headings: readonly string[];
  /** Empty where none is named. */
  readonly language: string;
  /** Without the indentation of its fence. Ends with a line feed. */
  readonly body: string;
}

interface Open {
  readonly indent: string;
  readonly block: Omit<Block, 'body'>;
}

const ROOT = new URL('../../', import.meta.url);
const FENCE = /^( *)```(\w*)$/;
const HEADING = /^(#+) (.+)$/;

/** The fenced blocks of a page, in order. @param page its path from the project's root */
export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  const headings: string[] = [];
  let open: Open | null = null;
  let body = '';
  for (const [index, line] of readFileSync(new URL(page, ROOT), 'utf8').split('\n').entries()) {
    const fence: RegExpExecArray | null = FENCE.exec(line);
    const heading = HEADING.exec(line);
    if (open !== null && fence?.[1] === open.indent) {
      blocks.push({ ...open.block, body });
      open = null;
    } else if (open !== null) {
      body += `${line.startsWith(open.indent) ? line.slice(open.indent.length) : line}\n`;
    } else if (fence !== null) {
      open = openBlock(fence, { page, line: index + 1, headings: [...headings] });
      body = '';
    } else if (heading !== null) {
      const [, { length: level } = '', title = ''] = heading;
      headings.splice(level - 1, headings.length, title);
    }
  }
  return blocks;
}

function openBlock(
  [, indent = '', language = '']: RegExpExecArray,
  place: Omit<Block, 'body' | 'language'>,
): Open {
  return { indent, block: { ...place, language } };
}

/** A block, and the text that it prints. */
export interface BlockWithOutput extends Block {
  /** The block after it, of JSON or without a language, trimmed; null where another one follows. */
  readonly output: string | null;
}

/** The blocks of some languages, each with what it prints. */
export function withOutputs(
  blocks: readonly Block[],
  languages: readonly string[],
): readonly BlockWithOutput[] {
  return blocks.flatMap((block, index) => {
    if (!languages.includes(block.language)) return [];
    const next = blocks[index + 1];
    const isOutput = next?.language === 'json' || next?.language === '';
    return [{ ...block, output: isOutput ? next.body.trim() : null }];
  });
}

/** The blocks under a heading of a page, in order. */
export function blocksUnder(page: string, heading: string): readonly Block[] {
  return blocksOf(page).filter(({ headings }) => headings.includes(heading));
}

/** The only block of a language under a heading of a page. @throws Error where there is none, or another one */
export function blockUnder(page: string, heading: string, language: string): Block {
  const [block, ...others] = blocksUnder(page, heading).filter((one) => one.language === language);
  if (block === undefined || others.length > 0)
    throw new Error(`${page} has ${others.length + (block ? 1 : 0)} blocks of ${language} under ${heading}.`);
  return block;
}
