/**
 * The message of anything that was thrown. It never throws: not even for objects that cannot be converted to a string.
 */
export function errorMessage(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'Something without a message was thrown.';
  }
}
