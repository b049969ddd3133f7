import type { Refusal } from '../outcome.ts';

/** Whether every store can hold the text: PostgreSQL has no U+0000, and UTF-8 has no lone surrogates. */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** Anything but white space: JavaScript's, and Unicode's, which has U+0085 as well. */
const VISIBLE = /[^\s\p{White_Space}]/u;

/** What a text may be. Lengths are in Unicode code points. */
export interface TextRule {
  readonly max: number;
  readonly blank: boolean;
}

/** The limits of an assistant's texts. */
export const TEXT_RULES = {
  graphId: { max: 256, blank: false },
  name: { max: 256, blank: false },
  description: { max: 4096, blank: true },
} as const satisfies Record<string, TextRule>;

/** Why a text cannot be stored under a key of the input, or null when it can. */
export function refuseText(key: keyof typeof TEXT_RULES, text: string): Refusal | null {
  const { max, blank } = TEXT_RULES[key];
  if (!blank && !VISIBLE.test(text)) return invalid(key, `\`${key}\` cannot be blank.`);
  if (countCodePoints(text, max) > max) {
    return invalid(key, `\`${key}\` is too long: at most ${max} characters are accepted.`);
  }
  if (!isStorableText(text)) {
    return invalid(key, `\`${key}\` holds U+0000 or a lone surrogate: neither is accepted.`);
  }
  return null;
}

/** A refusal of a value under a key of the input. */
export function invalid(key: string, message: string): Refusal {
  return { code: 'INVALID', message, key };
}

function countCodePoints(text: string, enough: number): number {
  if (text.length <= enough) return text.length;
  if (text.length > 2 * enough) return text.length;
  return Array.from(text).length;
}

/**
 * The form of a text in which case does not matter. Lower case first, then upper, brings together what either
 * alone keeps apart: `ß` and `SS`, `ς` and `σ`, the Kelvin sign and `k`.
 */
export function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase();
}

/** Orders texts by Unicode code point, as PostgreSQL's `COLLATE "C"` does; `<` on strings goes by UTF-16 unit. */
export function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y)
      return isSurrogate(x) === isSurrogate(y) || x < 0xd800 || y < 0xd800 ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
