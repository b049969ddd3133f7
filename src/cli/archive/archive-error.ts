import { StoreError } from '../../store/store-error.ts';

/** A file cannot be imported, or written. The message is one line that says why. */
export class ArchiveError extends StoreError {}

/** The error about a line of a file. @param problem words that go on after its number, without a full stop */
export function badLine(line: number, problem: string): ArchiveError {
  return new ArchiveError(`Line ${line}: ${problem}. Nothing was imported.`);
}
