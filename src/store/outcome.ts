/** Why a mutation was refused. */
export interface Refusal {
  /** `INVALID`: a value is not accepted. `NOT_FOUND`: a record it refers to does not exist. `CONFLICT`: the state forbids it. */
  readonly code: 'INVALID' | 'NOT_FOUND' | 'CONFLICT';
  /** For the caller: what was wrong, and what is accepted. */
  readonly message: string;
  /** The path of the input that is at fault, with dots: `threadId`, `error.code`, `events.3.type`. */
  readonly key: string;
}

/** The result of a mutation: a value, or the reasons why nothing was stored. */
export type Outcome<T> = { readonly value: T } | { readonly refusals: readonly Refusal[] };

/** The result of a creation. */
export type CreateOutcome<T> =
  | {
      readonly value: T;
      /** Whether an earlier call with the same key created it. */
      readonly replayed: boolean;
    }
  | { readonly refusals: readonly Refusal[] };

/** The outcome of a mutation that was refused. */
export function refused(...refusals: Refusal[]): { readonly refusals: readonly Refusal[] } {
  return { refusals };
}
