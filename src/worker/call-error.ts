/** A call that the server refused for good: sending it again would not help. */
export class CallError extends Error {
  override readonly name = 'CallError';
}
