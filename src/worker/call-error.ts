/** A call that the server refused permanently: a retry would not help. */
export class CallError extends Error {
  override readonly name = 'CallError';
}
