import type { Refusal } from '../outcome.ts';

/** Whether a text can be stored: PostgreSQL has no U+0000, and UTF-8 no lone surrogates. */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** Matches any character but white space: JavaScript's `\s`, and Unicode's White_Space, which includes U+0085. */
const VISIBLE = /[^\s\p{White_Space}]/u;

/** The limits of a text. */
export interface TextRule {
  /** The maximum length, in Unicode code points. */
  readonly max: number;
  /** Whether it may be empty or white space only. */
  readonly blank: boolean;
}

/** The limits of texts, by their path in an input. */
export const TEXT_RULES = {
  graphId: { max: 256, blank: false },
  name: { max: 256, blank: false },
  description: { max: 4096, blank: true },
  idempotencyKey: { max: 255, blank: false },
  worker: { max: 256, blank: false },
  type: { max: 64, blank: false },
  'error.code': { max: 64, blank: false },
  'error.message': { max: 4096, blank: true },
} as const satisfies Record<string, TextRule>;

/**
 * Why a text is not accepted, or null when it is.
 * @param key where the text is in the input. Default: the name of its rule.
 */
export function refuseText(rule: keyof typeof TEXT_RULES, text: string, key: string = rule): Refusal | null {
  const { max, blank } = TEXT_RULES[rule];
  if (!blank && !VISIBLE.test(text)) return invalid(key, `\`${key}\` cannot be blank.`);
  if (countCodePoints(text, max) > max) {
    return invalid(key, `\`${key}\` is too long: at most ${max} characters are accepted.`);
  }
  if (!isStorableText(text)) {
    return invalid(key, `\`${key}\` holds U+0000 or a lone surrogate: neither is accepted.`);
  }
  return null;
}

/** The refusal of an invalid value under a key of the input. */
export function invalid(key: string, message: string): Refusal {
  return { code: 'INVALID', message, key };
}

/** The number of code points; only roughly where it is certainly above or not above the limit. */
function countCodePoints(text: string, limit: number): number {
  if (text.length <= limit || text.length > 2 * limit) return text.length;
  return Array.from(text).length;
}

/**
 * A text folded for comparisons that ignore case. Lower case and then upper case make equal what one of them alone does
 * not: `ß` and `SS`, `ς` and `σ`, the Kelvin sign and `k`.
 */
export function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase();
}

/** Compares texts by UTF-16 code unit: the order of ids, times and other ASCII texts. */
export function compareCodeUnits(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Compares texts by Unicode code point, as PostgreSQL's `COLLATE "C"` does; `<` compares UTF-16 code units. */
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
