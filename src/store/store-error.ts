/** Stores could not be opened. The message is one line that says what to do, and names the variable to look at. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
