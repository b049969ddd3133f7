/** The data file is damaged. The message is a phrase without a full stop: what is wrong with it. */
export class DamagedFile extends Error {
  override readonly name = 'DamagedFile';
}

/** A newer version of this program wrote the data file. The message is a phrase without a full stop. */
export class NewerFile extends Error {
  override readonly name = 'NewerFile';
}
