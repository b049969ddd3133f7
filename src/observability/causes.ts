/** An error in the log. */
export interface Cause {
  readonly name: string;
  readonly message?: string;
  readonly code?: string | number;
  readonly stack?: string;
}

/** How many nested causes are logged. */
const MAX_CAUSES = 8;
/** In characters. */
const MAX_MESSAGE = 1_000;
const MAX_STACK = 4_000;

/**
 * Describes an error and its causes, the outermost first: names and messages, and none of their other properties. Those
 * of jose's errors hold the claims of the token, those of a database the values of the row.
 */
export function causesOf(thrown: unknown): readonly Cause[] {
  const causes: Cause[] = [];
  let cause = thrown;
  while (cause != null && causes.length < MAX_CAUSES) {
    causes.push(describe(cause));
    cause = cause instanceof Error ? cause.cause : null;
  }
  return causes;
}

function describe(cause: unknown): Cause {
  if (!(cause instanceof Error)) return { name: `a thrown ${typeof cause}` };
  const code = 'code' in cause ? cause.code : undefined;
  return {
    name: text(cause.name, MAX_MESSAGE),
    message: text(cause.message, MAX_MESSAGE),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(typeof cause.stack === 'string' && { stack: text(cause.stack, MAX_STACK) }),
  };
}

/** A property of an error that should be a text. */
function text(value: unknown, length: number): string {
  return typeof value === 'string' ? value.slice(0, length).toWellFormed() : `no text but ${typeof value}`;
}
