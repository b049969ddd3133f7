import type { OperationResult } from '../../graphql/operation-result.ts';

/** How the results of a subscription are framed in the body of a response. */
export interface StreamFormat {
  readonly contentType: string;
  /** What the body begins with, so that browsers read the headers at once. */
  readonly start: string;
  readonly ping: BodyPart;
  /** What the body ends with, when the subscription has ended. */
  readonly end: string;
  /** The frame of a result, which is the same for all subscribers. */
  readonly frame: (result: OperationResult) => BodyPart;
}

/** A part of a body, made once for all responses that it is written to. */
export interface BodyPart {
  readonly content: Buffer;
  /** The content as a chunk: https://www.rfc-editor.org/rfc/rfc9112#section-7.1 */
  readonly chunk: Buffer;
}

/** Makes a part of a body. @param text with a character for each byte */
export function createPart(text: string): BodyPart {
  const size = `${text.length.toString(16)}\r\n`;
  const chunk = Buffer.from(`${size}${text}\r\n`, 'latin1');
  return { content: chunk.subarray(size.length, -2), chunk };
}

/** Frames results with a text before and after their JSON. Each result is framed once. */
export function createFrame(before: string, after: string): StreamFormat['frame'] {
  const frames = new WeakMap<OperationResult, BodyPart>();
  return (result) => {
    const known = frames.get(result);
    if (known !== undefined) return known;
    const frame = createPart(`${before}${result.json}${after}`);
    frames.set(result, frame);
    return frame;
  };
}
