import type { Stored } from '../../store/archive.ts';
import { type Change, RESOURCES } from '../../store/change.ts';
import { isOwner, type Owner } from '../../store/owner.ts';
import { readRecord } from '../../store/rules/stored.ts';
import { compareCodePoints } from '../../store/rules/text.ts';
import type { Counts } from '../../store/stores.ts';
import { ArchiveError, badLine } from './archive-error.ts';
import { describeCounts, FORMAT, VERSION } from './format.ts';
import { readLines } from './lines.ts';
import { OwnerCheck } from './owner-check.ts';

/** Reads the records of a file, each checked by itself and against the others of its owner. */
export class FileReader {
  readonly #counts: Record<Change['resource'], number> = { assistant: 0, thread: 0, run: 0 };
  #place: 'before' | 'within' | 'after' = 'before';
  #owner: Owner | null = null;
  #check = new OwnerCheck();

  /** How many records were read. */
  get counts(): Counts {
    return this.#counts;
  }

  /**
   * The records of a file: it is good when they come to their end, and not before.
   * @throws ArchiveError about the first line that is wrong
   */
  async *read(input: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Stored[], void, undefined> {
    let last = 0;
    for await (const { first, texts } of readLines(input)) {
      const records: Stored[] = [];
      for (const [index, text] of texts.entries()) {
        const record = this.#readLine(first + index, text);
        if (record !== null) records.push(record);
      }
      last = first + texts.length - 1;
      if (records.length > 0) yield records;
    }
    if (this.#place === 'before') throw new ArchiveError(`There is no file to import: ${NO_HEADER}.`);
    if (this.#place === 'within') throw badLine(last, 'the file was cut off: this is not its last line');
  }

  /** The record in a line; null for a line that has none, and should have none. */
  #readLine(line: number, text: string): Stored | null {
    switch (this.#place) {
      case 'before':
        // What npm prints before the header.
        if (text.trim() === '' || text.startsWith('> ')) return null;
        checkHeader(line, text);
        this.#place = 'within';
        return null;
      case 'within':
        return this.#readWithin(line, readObject(line, text));
      case 'after':
        if (text.trim() === '') return null;
        throw badLine(line, 'something comes after the last line of the file');
    }
  }

  #readWithin(line: number, object: JsonFields): Stored | null {
    if (!Object.hasOwn(object, 'end')) return this.#readStored(line, object);
    this.#check.finish();
    checkEnd(line, object.end, this.#counts);
    this.#place = 'after';
    return null;
  }

  #readStored(line: number, { owner, ...rest }: JsonFields): Stored {
    const resource = RESOURCES.find((kind) => Object.hasOwn(rest, kind));
    if (resource === undefined || Object.keys(rest).length > 1) {
      throw badLine(line, 'there is no {"owner": …, "assistant" or "thread" or "run": …}');
    }
    if (!isOwner(owner)) throw badLine(line, 'the owner cannot be one');
    const record = readRecord(resource, owner, rest[resource]);
    if ('problem' in record) throw badLine(line, `the ${resource} ${record.problem}`);
    if (owner !== this.#owner) this.#begin(line, owner);
    this.#check.add(line, record);
    this.#counts[resource]++;
    return { owner, ...record };
  }

  #begin(line: number, owner: Owner): void {
    if (this.#owner !== null && compareCodePoints(owner, this.#owner) < 0) {
      throw badLine(line, 'the owner should come earlier: owners are sorted by code point');
    }
    this.#check.finish();
    this.#check = new OwnerCheck();
    this.#owner = owner;
  }
}

const NO_HEADER = '`npm run export` writes one, which is read from stdin';

type JsonFields = Readonly<Record<string, unknown>>;

function checkHeader(line: number, text: string): void {
  const { format, version } = readObject(line, text);
  if (format !== FORMAT || !Number.isSafeInteger(version) || Number(version) < 1) {
    throw badLine(line, `this is no file of agent-graphql: ${NO_HEADER}`);
  }
  if (Number(version) > VERSION) {
    throw badLine(
      line,
      `the file has version ${Number(version)} of the format, and this program knows ${VERSION} at most`,
    );
  }
}

function checkEnd(line: number, end: unknown, counts: Counts): void {
  const said = isFields(end) ? end : {};
  const isRight =
    said.assistants === counts.assistant && said.threads === counts.thread && said.runs === counts.run;
  if (!isRight) throw badLine(line, `lines are missing or too many: there are ${describeCounts(counts)}`);
}

function readObject(line: number, text: string): JsonFields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badLine(line, 'this is no JSON');
  }
  if (!isFields(value)) throw badLine(line, 'this is no JSON object');
  return value;
}

function isFields(value: unknown): value is JsonFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
