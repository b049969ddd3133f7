/** The codes that begin and end a style: https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** Styles a text for a terminal. */
export type Paint = (style: keyof typeof STYLES, text: string) => string;

/** Creates a function that styles texts, or leaves them as they are where the terminal has no colours. */
export function createPaint(hasColors: boolean): Paint {
  if (!hasColors) return (_style, text) => text;
  return (style, text) => {
    const [begin, end] = STYLES[style];
    return `\u001B[${begin}m${text}\u001B[${end}m`;
  };
}

/** A text of a client without control characters and without characters that change the direction of writing. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}
