import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLines } from '../../../src/cli/archive/read-lines.ts';

async function linesOf(chunks: readonly Buffer[]): Promise<readonly string[]> {
  async function* input() {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const { first, texts } of readLines(input())) {
    expect(first).toBe(lines.length + 1);
    lines.push(...texts);
  }
  return lines;
}

describe('the lines of a file', () => {
  it('should be the same wherever it is cut', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\u2028', '\r') })),
        fc.array(fc.nat({ max: 12 })),
        async (texts, cuts) => {
          let rest = Buffer.from(texts.map((text) => `${text}\n`).join(''));
          const chunks: Buffer[] = [];
          for (const cut of cuts) {
            chunks.push(rest.subarray(0, cut));
            rest = rest.subarray(cut);
          }
          expect(await linesOf([...chunks, rest])).toStrictEqual(texts);
        },
      ),
    ));

  it('should be given out before the file has ended', async () => {
    const line = `${'x'.repeat(99_999)}\n`;
    let given = 0;
    async function* input() {
      for (given = 0; given < 100; given++) yield Buffer.from(line);
    }
    const lines = readLines(input());
    await lines.next();
    expect(given).toBeLessThan(10);
    await lines.return();
  });
});
