import { isUtf8 } from 'node:buffer';
import { badLine } from './archive-error.ts';

/** The maximum length of a line in bytes: more than a record can have. */
const MAX_LINE_BYTES = 4 * 1_024 * 1_024;
/** The minimum size of a batch of lines in bytes, except for the last one. */
const BATCH_BYTES = 524_288;
const LINE_FEED = 10;

/** A batch of consecutive lines. */
export interface Lines {
  /** The number of the first line, from 1. */
  readonly first: number;
  /** The lines without their line feeds. */
  readonly texts: readonly string[];
}

/**
 * Yields the lines of a file in UTF-8 in batches. Only U+000A ends a line: JSON strings may contain other separators.
 * @throws ArchiveError about a line that is too long, or not valid UTF-8
 */
export async function* readLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Lines, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let first = 1;
  let texts: string[] = [];
  let bytes = 0;

  function add(line: Buffer): void {
    const number = first + texts.length;
    if (line.length > MAX_LINE_BYTES) throw badLine(number, `more than ${MAX_LINE_BYTES} bytes in one line`);
    if (!isUtf8(line)) throw badLine(number, 'not valid UTF-8');
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
    if (rest.length > MAX_LINE_BYTES) add(rest);
    if (bytes < BATCH_BYTES) continue;
    yield { first, texts };
    [first, texts, bytes] = [first + texts.length, [], 0];
  }
  if (rest.length > 0) add(rest);
  if (texts.length > 0) yield { first, texts };
}
