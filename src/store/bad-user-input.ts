/** Arguments are not accepted. The message is for the caller: what was wrong, and what is accepted. */
export class BadUserInput extends Error {
  override readonly name = 'BadUserInput';
}
