/** A failure of one of the calls of a request, which may succeed later. The others might succeed by themselves. */
export class FieldFailure extends Error {
  override readonly name = 'FieldFailure';
}
