import { describe, expect, it } from 'vitest';
import { diskArchive } from '../../../src/store/disk/archive.ts';
import { inFolder } from '../disk/folder.ts';
import { exportOf, filesIn, importInto, refusalOf } from './moved.ts';
import { assistant, AT, end, fileOf, GOOD, HEADER, ids, line, run, thread } from './sample.ts';

/** Imports a file into a folder that must be as empty afterwards as before. */
async function refusal(file: string | Buffer): Promise<string> {
  let said = '';
  await inFolder(async (folder) => {
    said = await refusalOf(importInto(diskArchive(folder), file));
    expect(filesIn(folder)).toStrictEqual([]);
  });
  return said;
}

/** The file that is good, with one line replaced by others. */
function withLine(number: number, ...lines: readonly string[]): string {
  return fileOf(...GOOD.with(number - 1, lines.join('\n')));
}

describe('a file that is good', () => {
  it.each([
    ['as it is', fileOf(...GOOD)],
    ['without an end of its last line', fileOf(...GOOD).trimEnd()],
    ['with lines that end as in Windows', fileOf(...GOOD).replaceAll('\n', '\r\n')],
    ['with blank lines at its end', `${fileOf(...GOOD)}\n\n`],
    [
      'with what npm prints before it',
      `\n> agent-graphql@0.1.0 export\n> exec node x.js\n\n${fileOf(...GOOD)}`,
    ],
  ])('should be imported %s', (_, file) =>
    inFolder(async (folder) => {
      await importInto(diskArchive(folder), file);
      expect(await exportOf(diskArchive(folder))).toBe(fileOf(...GOOD));
    }),
  );

  it('should keep separators of lines that JSON does not know, and other spellings of the same', () =>
    inFolder(async (folder) => {
      const odd = line(
        'alice',
        'thread',
        thread({ metadata: { '\u2028': '\u2029\u0085\r', owner: 'alice' } }),
      );
      const spelled = odd.replace('\u2029', String.raw`\u2029`).replaceAll(',"', ' , "');
      await importInto(diskArchive(folder), withLine(3, spelled));
      expect(await exportOf(diskArchive(folder))).toBe(withLine(3, odd));
    }));
});

describe('a file that cannot be imported', () => {
  it.each([
    ['nothing', ''],
    ['what npm prints alone', '\n> agent-graphql@0.1.0 export\n\n'],
  ])('should be refused when it is %s', async (_, file) => {
    expect(await refusal(file)).toBe(
      'There is no file to import: `npm run export` writes one, which is read from stdin.',
    );
  });

  it.each([
    ['another header', withLine(1, '{"format":"other","version":1}'), 1, 'it is not a file of agent-graphql'],
    ['no header', fileOf(...GOOD.slice(1)), 1, 'it is not a file of agent-graphql'],
    ['a newer version', withLine(1, HEADER.replace('2', '3')), 1, 'the file has version 3 of the format'],
    ['text', withLine(3, 'hello'), 3, 'it is not valid JSON'],
    ['a blank line', withLine(3, '', GOOD[2]), 3, 'it is not valid JSON'],
    ['an array', withLine(3, '[]'), 3, 'it is not a JSON object'],
    ['no kind', withLine(3, '{"owner":"alice"}'), 3, 'it is not {"owner"'],
    ['another kind', withLine(3, line('alice', 'secret', {})), 3, 'it is not {"owner"'],
    ['two kinds', withLine(3, '{"owner":"alice","thread":{},"run":{}}'), 3, 'it is not {"owner"'],
    ['no owner', withLine(3, '{"thread":{}}'), 3, 'the owner is not valid'],
    ['a blank owner', withLine(3, line(' ', 'thread', thread())), 3, 'the owner is not valid'],
    ['no record', withLine(3, line('alice', 'thread', [])), 3, 'the thread is not an object'],
    ['a bad id', withLine(3, line('alice', 'thread', thread({ id: 'x' }))), 3, 'the thread has no id'],
    [
      'a key too many',
      withLine(3, line('alice', 'thread', thread({ x: 1 }))),
      3,
      'the thread has an unknown key',
    ],
    [
      'a bad time',
      withLine(3, line('alice', 'thread', thread({ createdAt: 'now' }))),
      3,
      'the thread has no time',
    ],
    [
      'too much metadata',
      withLine(3, line('alice', 'thread', thread({ metadata: { a: 'x'.repeat(65_536), owner: 'alice' } }))),
      3,
      'the thread has an invalid `metadata`',
    ],
    [
      "another owner's metadata",
      withLine(3, line('bob', 'thread', thread())),
      3,
      'the thread has another owner in its metadata',
    ],
    ['an id twice', withLine(3, GOOD[2], GOOD[2]), 4, `the id ${ids.thread} is that of a record before it`],
    [
      'an id of another kind',
      withLine(3, line('alice', 'thread', thread({ id: ids.assistant }))),
      3,
      `the id ${ids.assistant} is that of a record before it`,
    ],
    ['a thread before an assistant', withLine(2, GOOD[2], GOOD[1]), 3, 'the record should come earlier'],
    [
      'a run before its thread',
      withLine(3, GOOD[3], GOOD[2]),
      3,
      `the thread of the run ${ids.ended} is not before it`,
    ],
    [
      'a run of an assistant',
      withLine(4, line('alice', 'run', run({ threadId: ids.assistant }))),
      4,
      `the thread of the run ${ids.ended} is not before it`,
    ],
    [
      'a run of itself',
      withLine(4, line('alice', 'run', run({ threadId: ids.ended }))),
      4,
      `the thread of the run ${ids.ended} is not before it`,
    ],
    [
      "a run of another owner's thread",
      withLine(4, line('bob', 'run', run({ metadata: { owner: 'bob' } }))),
      4,
      `the thread of the run ${ids.ended} is not before it`,
    ],
    [
      'a run that has not ended, of an assistant that is gone',
      withLine(4, line('alice', 'run', run({ status: 'RUNNING', ended: null, assistantId: ids.other }))),
      4,
      `the run ${ids.ended} has not ended, and its assistant is not before it`,
    ],
    [
      'two ends at one place',
      withLine(4, GOOD[3], line('alice', 'run', run({ id: ids.active }))),
      5,
      `the run ${ids.active} has the same \`ended\``,
    ],
    [
      'a status that the runs contradict',
      withLine(4, line('alice', 'run', run({ status: 'ERROR' }))),
      3,
      'the thread is IDLE, but its runs require ERROR',
    ],
    [
      'a status that a run that has not ended contradicts',
      withLine(
        4,
        line(
          'alice',
          'run',
          run({ status: 'PENDING', ended: null, availableAt: AT, startedAt: null, finishedAt: null }),
        ),
      ),
      3,
      'the thread is IDLE, but its runs require BUSY',
    ],
    [
      'a status that the last of many ends contradicts',
      withLine(
        4,
        ...[3, 1, 2].map((ended) =>
          line(
            'alice',
            'run',
            run({ id: String(ended).repeat(32), ended, status: ended === 3 ? 'TIMEOUT' : 'SUCCESS' }),
          ),
        ),
      ),
      3,
      'the thread is IDLE, but its runs require ERROR',
    ],
    [
      'owners in another order',
      withLine(2, line('bob', 'assistant', assistant({ metadata: { owner: 'bob' } })), GOOD[1]),
      3,
      'the owner should come earlier',
    ],
    [
      'an owner that comes again',
      withLine(3, line('bob', 'thread', thread({ metadata: { owner: 'bob' } })), GOOD[2]),
      4,
      'the owner should come earlier',
    ],
    ['no last line', fileOf(...GOOD.slice(0, 4)), 4, 'the file was cut off: this is not its last line'],
    ['half a line at its end', fileOf(...GOOD).slice(0, -60), 4, 'it is not valid JSON'],
    ['a header alone', fileOf(HEADER), 1, 'the file was cut off'],
    [
      'a line too few',
      fileOf(...GOOD.toSpliced(3, 1)),
      4,
      'lines are missing or too many: there are 1 assistant, 1',
    ],
    ['another count', withLine(5, end(1, 1, 2)), 5, 'lines are missing or too many'],
    ['an end without counts', withLine(5, '{"end":null}'), 5, 'lines are missing or too many'],
    ['something after its end', withLine(5, GOOD[4], GOOD[0]), 6, 'there is more after the last line'],
    ['a line without end', withLine(3, 'x'.repeat(5_000_000)), 3, 'more than 4194304 bytes in one line'],
  ])('should be refused with %s', async (_, file, number, problem) => {
    const said = await refusal(file);
    expect(said).toContain(`Line ${number}: ${problem}`);
    expect(said).toMatch(/^[^\n]*\. Nothing was imported\.$/);
  });

  it('should be refused when it is not valid UTF-8', async () => {
    const file = Buffer.from(
      withLine(3, line('alice', 'thread', thread({ metadata: { a: '#', owner: 'alice' } }))),
    );
    file[file.indexOf('#')] = 0xe9;
    expect(await refusal(file)).toBe('Line 3: not valid UTF-8. Nothing was imported.');
    expect(await refusal(Buffer.from(`\ufeff${fileOf(...GOOD)}`, 'utf16le'))).toContain(
      'Line 1: not valid UTF-8',
    );
  });
});
