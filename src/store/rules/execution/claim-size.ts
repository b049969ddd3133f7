import type { RunPayloads } from '../../execution.ts';

/**
 * How many bytes of payloads one call is given, with the run that reaches it: so that 50 runs fit into an answer, with
 * all else that they have. What is not given stays in the queue, and no attempt of it is lost.
 */
export const MAX_CLAIM_BYTES = 4_194_304;

/** How many bytes of payloads a run is given with. */
export function payloadBytes({
  input,
  values,
  checkpoint,
}: Pick<RunPayloads, 'input' | 'checkpoint'> & { readonly values: string | null }): number {
  return [input, values, checkpoint].reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
}
