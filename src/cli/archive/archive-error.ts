import { StoreError } from '../../store/store-error.ts';

/** An archive file is not valid, or cannot be written. The message is one line. */
export class ArchiveError extends StoreError {}

/** The error about a line of the file. @param problem a phrase without a full stop */
export function badLine(line: number, problem: string): ArchiveError {
  return new ArchiveError(`Line ${line}: ${problem}. Nothing was imported.`);
}
