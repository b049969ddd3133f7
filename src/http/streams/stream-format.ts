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
export class BodyPart {
  /** The part as a chunk: https://www.rfc-editor.org/rfc/rfc9112#section-7.1 */
  readonly chunk: Buffer;
  readonly #start: number;

  /** @param text with a character for each byte */
  constructor(text: string) {
    const size = `${text.length.toString(16)}\r\n`;
    this.chunk = Buffer.from(`${size}${text}\r\n`, 'latin1');
    this.#start = size.length;
  }

  /** The part without the head and the end of its chunk. */
  get content(): Buffer {
    return this.chunk.subarray(this.#start, -2);
  }
}

/** Frames results with a text before and after their JSON. */
export function createFrame(before: string, after: string): StreamFormat['frame'] {
  // Each format has a class of its own, by which it knows its frames.
  class Frame extends BodyPart {}
  return (result) => {
    if (result.frame instanceof Frame) return result.frame;
    const frame = new Frame(`${before}${result.json}${after}`);
    result.frame = frame;
    return frame;
  };
}
