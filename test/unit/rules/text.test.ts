import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareCodePoints, foldCase, isStorableText, refuseText } from '../../../src/store/rules/text.ts';

/** Texts in which the ends of the planes and of the surrogates are frequent, and beginnings are often the same. */
const character = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    '\u007f',
    '\u0080',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
);
const text = fc.array(character, { maxLength: 5 }).map((characters) => characters.join(''));

describe('the order of texts', () => {
  it('should be that of their UTF-8 bytes', () =>
    fc.assert(
      fc.property(text, text, text, (start, a, b) => {
        const [x, y] = [start + a, start + b];
        const bytes = Buffer.compare(Buffer.from(x), Buffer.from(y));
        expect(Math.sign(compareCodePoints(x, y))).toBe(bytes);
        expect(Math.sign(compareCodePoints(y, x))).toBe(-bytes + 0);
      }),
      { numRuns: 2_000 },
    ));

  it.each([
    ['', 'a'],
    ['a', 'aa'],
    ['Z', 'a'],
    ['\ud7ff', '\ue000'],
    ['\uffff', '\u{10000}'],
    ['\uff5e', '😀'],
    ['😀', '😀a'],
    ['😀', '😁'],
    ['\u{10000}', '\u{10ffff}'],
  ])('should put %j before %j', (a, b) => {
    expect(compareCodePoints(a, b)).toBeLessThan(0);
    expect(compareCodePoints(b, a)).toBeGreaterThan(0);
    expect(compareCodePoints(a, a)).toBe(0);
  });
});

describe('the form of a text without case', () => {
  it('should be the same for a character and its other cases, whichever it is', () => {
    const apart: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const one = String.fromCodePoint(point);
      const fold = foldCase(one);
      if (fold !== foldCase(one.toUpperCase()) || fold !== foldCase(one.toLowerCase())) apart.push(one);
      if (fold !== foldCase(fold)) apart.push(one);
    }
    expect(apart).toStrictEqual([]);
  });

  it.each([
    ['Straße', 'STRASSE'],
    ['ΟΔΟΣ', 'οδος'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['\u212a', 'k'],
    ['É', 'é'],
    ['Ǆ', 'ǆ'],
  ])('should be the same for %s and %s', (a, b) => {
    expect(foldCase(a)).toBe(foldCase(b));
  });

  it.each([
    ['a', 'b'],
    ['e', 'é'],
    ['_', '-'],
  ])('should not be the same for %s and %s', (a, b) => {
    expect(foldCase(a)).not.toBe(foldCase(b));
  });
});

describe('a text', () => {
  it('should be storable exactly when it is well-formed and without U+0000', () =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '\0', '\ud83d', '\ude00', '😀')), (parts) => {
        const joined = parts.join('');
        const survives = Buffer.from(joined).toString() === joined;
        expect(isStorableText(joined)).toBe(survives && !parts.includes('\0'));
      }),
    ));

  it.each([
    ['name', 'x'.repeat(256), true],
    ['name', 'x'.repeat(257), false],
    ['graphId', '😀'.repeat(256), true],
    ['graphId', `${'😀'.repeat(256)}x`, false],
    ['description', '😀x'.repeat(2_048), true],
    ['description', '😀x'.repeat(2_048) + '😀', false],
    ['description', 'x'.repeat(1_000_000), false],
    ['description', '', true],
    ['name', '', false],
    ['graphId', '\u2003', false],
  ] as const)('should keep the limits of %s', (key, value, accepted) => {
    expect(refuseText(key, value) === null).toBe(accepted);
  });
});
