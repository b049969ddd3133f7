import type { Row } from './measure.ts';
import type { Section } from './report.ts';
import { CONSTANT, THIS_SERVER } from './systems.ts';

const WIDTH = 760;
const LABEL = 170;
const BAR = 18;
const HEAD = 34;
const END = 60;

/**
 * The ratios as bars, a group for each section, with a line from the least to the greatest: an SVG. The constant is
 * left out, beside which the others would be too short to tell apart, and so is what was not measured.
 */
export function chartOf(all: readonly Section[]): string {
  const sections = all.map((section) => ({
    ...section,
    rows: section.rows.filter(({ name, ratio }) => name !== CONSTANT && !Number.isNaN(ratio.median)),
  }));
  const most = Math.max(1, ...sections.flatMap(({ rows }) => rows.map(({ ratio }) => ratio.max)));
  const scale = (WIDTH - LABEL - END) / most;
  let top = 30;
  const groups = sections.map((section) => {
    const at = top;
    top += HEAD + section.rows.length * BAR;
    return groupOf(section, at, scale);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top + 16}" viewBox="0 0 ${WIDTH} ${top + 16}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="10" y="20" font-weight="bold">Requests or events a second, as a ratio to the baseline of each work</text>`,
    ...groups,
    '</svg>\n',
  ].join('\n');
}

function groupOf({ heading, rows }: Section, top: number, scale: number): string {
  const [bottom, one] = [top + HEAD + rows.length * BAR, LABEL + scale];
  return [
    `<text x="10" y="${top + 24}" fill="#333">${escaped(heading)}</text>`,
    ...rows.map((row, index) => barOf(row, top + HEAD + index * BAR, scale)),
    `<path d="M${one.toFixed(1)} ${top + HEAD - 2}V${bottom}" stroke="#333" stroke-dasharray="3 3"/>`,
  ].join('\n');
}

function barOf({ name, ratio }: Row, top: number, scale: number): string {
  const [middle, least, most] = [ratio.median, ratio.min, ratio.max].map((value) => value * scale);
  if (middle === undefined || least === undefined || most === undefined) return '';
  const fill = name.startsWith(THIS_SERVER) ? '#1f6feb' : '#b6c2cf';
  const line = top + BAR / 2 - 1;
  return [
    `<text x="${LABEL - 8}" y="${top + 13}" text-anchor="end">${escaped(name)}</text>`,
    `<rect x="${LABEL}" y="${top + 2}" width="${middle.toFixed(1)}" height="${BAR - 6}" fill="${fill}"/>`,
    `<path d="M${(LABEL + least).toFixed(1)} ${line}H${(LABEL + most).toFixed(1)}" stroke="#333"/>`,
    `<text x="${(LABEL + most + 6).toFixed(1)}" y="${top + 13}">${ratio.median.toFixed(2)}</text>`,
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
