import { isUtf8 } from 'node:buffer';
import { badLine } from './archive-error.ts';

/** Bytes of a line: more than a record can have, and little enough to be held. */
const MAX_LINE = 4 * 1_024 * 1_024;
/** About how many bytes of lines are given out together. */
const TOGETHER = 524_288;
const LINE_FEED = 10;

/** Lines of a file that follow each other. */
export interface Lines {
  /** The number of the first one, from 1 on. */
  readonly first: number;
  /** Without what ends a line. */
  readonly texts: readonly string[];
}

/**
 * The lines of a file in UTF-8, as they come. Only U+000A ends a line: JSON may have other separators in a string.
 * @throws ArchiveError about a line that is too long, or not in UTF-8
 */
export async function* readLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Lines, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let first = 1;
  let texts: string[] = [];
  let bytes = 0;

  function add(line: Buffer): void {
    const number = first + texts.length;
    if (line.length > MAX_LINE) throw badLine(number, `more than ${MAX_LINE} bytes in one line`);
    if (!isUtf8(line)) throw badLine(number, 'not in UTF-8');
    texts.push(line.toString('utf8'));
    bytes += line.length;
  }

  for await (const part of input) {
    const chunk = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = data.indexOf(LINE_FEED, rest.length); end !== -1; end = data.indexOf(LINE_FEED, start)) {
      add(data.subarray(start, end));
      start = end + 1;
    }
    rest = data.subarray(start);
    if (rest.length > MAX_LINE) add(rest);
    if (bytes < TOGETHER) continue;
    yield { first, texts };
    [first, texts, bytes] = [first + texts.length, [], 0];
  }
  if (rest.length > 0) add(rest);
  if (texts.length > 0) yield { first, texts };
}
