/** A store cannot be reached, or refuses mutations for now. The message is for the caller, the cause only for the log. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
