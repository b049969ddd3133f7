/** What is in a file cannot be. The message is a few words of English, without a full stop. */
export class DamagedFile extends Error {
  override readonly name = 'DamagedFile';
}

/** A newer program wrote the file. The message is a few words of English, without a full stop. */
export class NewerFile extends Error {
  override readonly name = 'NewerFile';
}
