import type { RunPayloads } from '../../execution.ts';

/**
 * The bytes of payloads at which a claim stops taking runs, the one that reaches it included: the claims then fit into
 * one response. The other runs stay in the queue, and lose no attempt.
 */
export const MAX_CLAIM_BYTES = 4_194_304;

/** The bytes of the payloads that a claim carries. */
export function payloadBytes({
  input,
  values,
  checkpoint,
}: Pick<RunPayloads, 'input' | 'checkpoint'> & { readonly values: string | null }): number {
  return [input, values, checkpoint].reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
}
