/** An array as PostgreSQL reads it from text. Nothing is escaped: the values must be ids or words. */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.join(',')}}`;
}
