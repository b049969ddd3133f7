/** Why a mutation changed nothing, in terms that its caller can act on. */
export interface Refusal {
  /** `INVALID`: a value is not acceptable. `NOT_FOUND`: something it refers to is missing. `CONFLICT`: the state forbids it. */
  readonly code: 'INVALID' | 'NOT_FOUND' | 'CONFLICT';
  /** One English sentence or two: what was wrong, and what is accepted. */
  readonly message: string;
  /** The key of the input at fault. */
  readonly key: string;
}

/** What a mutation did: a value, or the reasons why nothing was stored. */
export type Outcome<T> = { readonly value: T } | { readonly refusals: readonly Refusal[] };

/** An outcome that stored nothing. */
export function refused(...refusals: Refusal[]): { readonly refusals: readonly Refusal[] } {
  return { refusals };
}
