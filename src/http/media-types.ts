import type { Accepted, ResultType } from '../graphql/caller.ts';

/** A media range of an `Accept` header: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1 */
interface MediaRange {
  /** In lower case: `type/subtype`, `type/*` or any. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** From 0 to 1; 0 excludes the range. */
  readonly quality: number;
}

/** How many headers are remembered: browsers and clients have few. */
const MAX_KNOWN = 1_000;
const known = new Map<string, Accepted>();

/** The best media types that an `Accept` header allows. */
export function acceptedTypes(accept: string | undefined): Accepted {
  if (accept === undefined || accept === '') return ANYTHING;
  const remembered = known.get(accept);
  if (remembered !== undefined) return remembered;
  const ranges = parseAccept(accept);
  const accepted = { result: resultType(ranges), stream: streamType(ranges) };
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(accept, accepted);
  return accepted;
}

/** Whether an `Accept` header prefers HTML to JSON. Java's default header does not. */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const ranges = parseAccept(accept);
  // `*; q=.2`, which only Java sends.
  if (ranges.some(({ type }) => type === '*')) return false;
  const html = qualityOf(ranges, 'text/html');
  return html > Math.max(...RESULT_TYPES.map((type) => qualityOf(ranges, type)));
}

/** Whether a `Content-Type` is JSON in UTF-8. */
export function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;
  const range = parseRange(contentType ?? '');
  return range.type === 'application/json' && isUtf8(range.parameters.get('charset'));
}

const ANYTHING: Accepted = { result: 'application/json', stream: 'text/event-stream' };
const RESULT_TYPES: readonly ResultType[] = ['application/json', 'application/graphql-response+json'];

function resultType(ranges: readonly MediaRange[]): ResultType | null {
  let best: ResultType | null = null;
  let quality = 0;
  for (const type of RESULT_TYPES) {
    const found = qualityOf(ranges, type);
    // Of two that are equally good, the one that the header names first.
    const isBetter =
      found > quality || (found === quality && found > 0 && indexOf(ranges, type) < indexOf(ranges, best));
    if (isBetter) [best, quality] = [type, found];
  }
  return best;
}

/** Multipart only by the name of its protocol: https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol */
function streamType(ranges: readonly MediaRange[]): Accepted['stream'] {
  const sse = qualityOf(ranges, 'text/event-stream');
  const multipart = Math.max(
    0,
    ...ranges
      .filter(
        ({ type, parameters }) => type === 'multipart/mixed' && parameters.get('subscriptionspec') === '1.0',
      )
      .map(({ quality }) => quality),
  );
  if (sse === 0 && multipart === 0) return null;
  return sse >= multipart ? 'text/event-stream' : 'multipart/mixed';
}

/** The quality of a media type: that of the most specific range that includes it; 0 without one. */
function qualityOf(ranges: readonly MediaRange[], type: string): number {
  for (const range of [type, `${type.split('/')[0]}/*`, '*/*']) {
    const matching = ranges.filter((one) => one.type === range);
    if (matching.length > 0) return Math.max(...matching.map(({ quality }) => quality));
  }
  return 0;
}

function indexOf(ranges: readonly MediaRange[], type: string | null): number {
  const index = ranges.findIndex((range) => range.type === type);
  return index === -1 ? ranges.length : index;
}

function parseAccept(accept: string): readonly MediaRange[] {
  return accept
    .split(',')
    .map(parseRange)
    .filter(({ parameters }) => isUtf8(parameters.get('charset')));
}

function parseRange(text: string): MediaRange {
  const [type = '', ...rest] = text.toLowerCase().split(';');
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const [name = '', value = ''] = parameter.split('=', 2);
    parameters.set(name.trim(), value.trim().replaceAll(/^"|"$/g, ''));
  }
  const quality = Number(parameters.get('q') ?? 1);
  return { type: type.trim(), parameters, quality: Number.isNaN(quality) ? 0 : quality };
}

function isUtf8(charset: string | undefined): boolean {
  return charset === undefined || charset === 'utf-8' || charset === 'utf8';
}
