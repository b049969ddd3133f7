/** Stores cannot be opened. The message is one line that names the environment variable, and says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
