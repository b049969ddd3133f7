import type { OperationResult } from '../../graphql/operation-result.ts';

/** How the results of a subscription are framed in the body of a response. */
export interface StreamFormat {
  readonly contentType: string;
  /** What the body begins with, so that browsers read the headers at once. */
  readonly start: string;
  readonly ping: string;
  /** What the body ends with, when the subscription has ended. */
  readonly end: string;
  /** The frame of a result, which is the same for all subscribers. */
  readonly frame: (result: OperationResult) => Buffer;
}

/** Frames results with a text before and after their JSON. Each result is framed once. */
export function createFrame(before: string, after: string): StreamFormat['frame'] {
  const frames = new WeakMap<OperationResult, Buffer>();
  return (result) => {
    const known = frames.get(result);
    if (known !== undefined) return known;
    const frame = Buffer.from(`${before}${result.json}${after}`, 'latin1');
    frames.set(result, frame);
    return frame;
  };
}
