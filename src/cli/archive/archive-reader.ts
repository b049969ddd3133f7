import { isObject } from '../../lib/is-object.ts';
import type { OwnedRecord } from '../../store/archive.ts';
import { type Change, RESOURCES } from '../../store/change.ts';
import { isOwner, type Owner } from '../../store/owner.ts';
import { parseRecord } from '../../store/rules/parse-record.ts';
import { compareCodePoints } from '../../store/rules/text.ts';
import type { RecordCounts } from '../../store/stores.ts';
import { ArchiveError, badLine } from './archive-error.ts';
import { ConsistencyCheck } from './consistency-check.ts';
import { describeCounts, FORMAT, VERSION } from './format.ts';
import { readLines } from './read-lines.ts';

/** Reads an archive file, and checks each record by itself and against the others of its owner. */
export class ArchiveReader {
  readonly #counts: Record<Change['resource'], number> = { assistant: 0, thread: 0, run: 0 };
  /** The part of the file that the next line belongs to. */
  #part: 'header' | 'records' | 'end' = 'header';
  #owner: Owner | null = null;
  #check = new ConsistencyCheck();

  /** How many records were read so far. */
  get counts(): RecordCounts {
    return this.#counts;
  }

  /**
   * Yields the records in batches. The file is valid only once the iteration has ended.
   * @throws ArchiveError about the first line that is not valid
   */
  async *read(input: AsyncIterable<Uint8Array>): AsyncGenerator<readonly OwnedRecord[], void, undefined> {
    let last = 0;
    for await (const { first, texts } of readLines(input)) {
      const records: OwnedRecord[] = [];
      for (const [index, text] of texts.entries()) {
        const record = this.#readLine(first + index, text);
        if (record !== null) records.push(record);
      }
      last = first + texts.length - 1;
      if (records.length > 0) yield records;
    }
    if (this.#part === 'header') throw new ArchiveError(`There is no file to import: ${NO_HEADER}.`);
    if (this.#part === 'records') throw badLine(last, 'the file was cut off: this is not its last line');
  }

  /** The record of a line; null for the header, the last line and lines that are skipped. */
  #readLine(line: number, text: string): OwnedRecord | null {
    switch (this.#part) {
      case 'header':
        // npm prints the name of the script before it runs.
        if (text.trim() === '' || text.startsWith('> ')) return null;
        checkHeader(line, text);
        this.#part = 'records';
        return null;
      case 'records':
        return this.#readRecordOrEnd(line, readObject(line, text));
      case 'end':
        if (text.trim() === '') return null;
        throw badLine(line, 'there is more after the last line of the file');
    }
  }

  #readRecordOrEnd(line: number, object: JsonFields): OwnedRecord | null {
    if (!Object.hasOwn(object, 'end')) return this.#readRecord(line, object);
    this.#check.finish();
    checkEnd(line, object.end, this.#counts);
    this.#part = 'end';
    return null;
  }

  #readRecord(line: number, { owner, ...rest }: JsonFields): OwnedRecord {
    const resource = RESOURCES.find((name) => Object.hasOwn(rest, name));
    if (resource === undefined || Object.keys(rest).length > 1) {
      throw badLine(line, 'it is not {"owner": …, "assistant" or "thread" or "run": …}');
    }
    if (!isOwner(owner)) throw badLine(line, 'the owner is not valid');
    const record = parseRecord(resource, owner, rest[resource]);
    if ('problem' in record) throw badLine(line, `the ${resource} ${record.problem}`);
    if (owner !== this.#owner) this.#beginOwner(line, owner);
    this.#check.add(line, record);
    this.#counts[resource]++;
    return { owner, ...record };
  }

  #beginOwner(line: number, owner: Owner): void {
    if (this.#owner !== null && compareCodePoints(owner, this.#owner) < 0) {
      throw badLine(line, 'the owner should come earlier: owners are sorted by code point');
    }
    this.#check.finish();
    this.#check = new ConsistencyCheck();
    this.#owner = owner;
  }
}

const NO_HEADER = '`npm run export` writes one, which is read from stdin';

type JsonFields = Readonly<Record<string, unknown>>;

function checkHeader(line: number, text: string): void {
  const { format, version } = readObject(line, text);
  if (format !== FORMAT || !Number.isSafeInteger(version) || Number(version) < 1) {
    throw badLine(line, `it is not a file of agent-graphql: ${NO_HEADER}`);
  }
  if (Number(version) > VERSION) {
    throw badLine(
      line,
      `the file has version ${Number(version)} of the format, and this program knows ${VERSION} at most`,
    );
  }
}

function checkEnd(line: number, end: unknown, counts: RecordCounts): void {
  const stated = isObject(end) ? end : {};
  const isComplete =
    stated.assistants === counts.assistant && stated.threads === counts.thread && stated.runs === counts.run;
  if (!isComplete) throw badLine(line, `lines are missing or too many: there are ${describeCounts(counts)}`);
}

function readObject(line: number, text: string): JsonFields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badLine(line, 'it is not valid JSON');
  }
  if (!isObject(value)) throw badLine(line, 'it is not a JSON object');
  return value;
}
