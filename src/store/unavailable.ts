/** A store cannot be reached, or takes no mutations. The message is for the caller; the cause is for the log alone. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
