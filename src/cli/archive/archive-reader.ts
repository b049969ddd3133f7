import { isObject } from '../../lib/is-object.ts';
import { type ArchiveEntry, DETAILS } from '../../store/archive.ts';
import { type Change, RESOURCES } from '../../store/change.ts';
import { isOwner, type Owner } from '../../store/owner.ts';
import { fromFormat1 } from '../../store/rules/from-format-1.ts';
import { parseDetail } from '../../store/rules/parse-detail.ts';
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
  /** The version of the file's format. */
  #version = VERSION;

  /** How many records were read so far. */
  get counts(): RecordCounts {
    return this.#counts;
  }

  /**
   * Yields the records in batches. The file is valid only once the iteration has ended.
   * @throws ArchiveError about the first line that is not valid
   */
  async *read(input: AsyncIterable<Uint8Array>): AsyncGenerator<readonly ArchiveEntry[], void, undefined> {
    let last = 0;
    for await (const { first, texts } of readLines(input)) {
      const entries: ArchiveEntry[] = [];
      for (const [index, text] of texts.entries()) {
        const entry = this.#readLine(first + index, text);
        if (entry !== null) entries.push(entry);
      }
      last = first + texts.length - 1;
      if (entries.length > 0) yield entries;
    }
    if (this.#part === 'header') throw new ArchiveError(`There is no file to import: ${NO_HEADER}.`);
    if (this.#part === 'records') throw badLine(last, 'the file was cut off: this is not its last line');
  }

  /** The record or detail of a line; null for the header, the last line and lines that are skipped. */
  #readLine(line: number, text: string): ArchiveEntry | null {
    switch (this.#part) {
      case 'header':
        // npm prints the name of the script before it runs.
        if (text.trim() === '' || text.startsWith('> ')) return null;
        this.#version = readHeader(line, text);
        this.#part = 'records';
        return null;
      case 'records':
        return this.#readRecordOrEnd(line, readObject(line, text));
      case 'end':
        if (text.trim() === '') return null;
        throw badLine(line, 'there is more after the last line of the file');
    }
  }

  #readRecordOrEnd(line: number, object: JsonFields): ArchiveEntry | null {
    if (!Object.hasOwn(object, 'end')) return this.#readRecord(line, object);
    this.#check.finish();
    checkEnd(line, object.end, this.#counts);
    this.#part = 'end';
    return null;
  }

  #readRecord(line: number, { owner, ...rest }: JsonFields): ArchiveEntry {
    const resource = RESOURCES.find((name) => Object.hasOwn(rest, name));
    const detail = DETAILS.find((name) => Object.hasOwn(rest, name));
    const kind = resource ?? detail;
    if (kind === undefined || Object.keys(rest).length > 1) {
      throw badLine(line, 'it is not {"owner": …, "assistant" or "thread" or "run": …}');
    }
    if (!isOwner(owner)) throw badLine(line, 'the owner is not valid');
    const entry =
      resource === undefined
        ? parseDetail(detail ?? 'key', owner, rest[kind])
        : parseRecord(resource, owner, this.#upgraded(resource, rest[kind]));
    if ('problem' in entry) throw badLine(line, `the ${kind} ${entry.problem}`);
    if (owner !== this.#owner) this.#beginOwner(line, owner);
    if ('detail' in entry) {
      this.#check.addDetail(line, entry);
      return entry;
    }
    this.#check.add(line, entry);
    this.#counts[entry.resource]++;
    return { owner, ...entry };
  }

  #upgraded(resource: Change['resource'], record: unknown): unknown {
    return this.#version === 1 && isObject(record) ? fromFormat1(resource, record) : record;
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

/** The version of the file's format. */
function readHeader(line: number, text: string): number {
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
  return Number(version);
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
