import type { CORSOptions } from 'graphql-yoga';
import { REQUEST_ID_HEADER } from '../observability/request-id.ts';

/** The origins that browsers may call from: a list, or any of this machine. Never with cookies. */
export type CorsOrigins = readonly string[] | 'localhost';

/** Response headers, as a flat list of names and values. */
export type HeaderList = readonly string[];

/** Creates the function that returns the CORS headers of a response to a request from an origin. */
export function createCorsHeaders(origins: CorsOrigins): (origin: string | undefined) => HeaderList {
  const known = new Map<string, HeaderList>();
  return (origin) => {
    if (origin === undefined) return VARY;
    const remembered = known.get(origin);
    if (remembered !== undefined) return remembered;
    if (!isAcceptedOrigin(origin, origins)) return VARY;
    const headers = [...VARY, 'Access-Control-Allow-Origin', origin, ...EXPOSE];
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(origin, headers);
    return headers;
  };
}

/** The answers of yoga to preflight requests, and its CORS headers. */
export function corsOptions(origins: CorsOrigins): (request: Request) => CORSOptions {
  return (request) => {
    const origin = request.headers.get('origin');
    if (origin === null || !isAcceptedOrigin(origin, origins)) return false;
    return {
      origin,
      methods: ['GET', 'POST'],
      allowedHeaders: ALLOWED_HEADERS,
      exposedHeaders: EXPOSED_HEADERS,
      credentials: false,
      maxAge: MAX_AGE,
    };
  };
}

/** Tells caches that responses depend on the origin, also those to origins that are refused. */
const VARY: HeaderList = ['Vary', 'Origin'];

/** What clients and their tracing send. */
const ALLOWED_HEADERS = [
  'authorization',
  'content-type',
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
  REQUEST_ID_HEADER.toLowerCase(),
];

/** What a response tells in its headers. */
const EXPOSED_HEADERS = [REQUEST_ID_HEADER, 'Retry-After', 'WWW-Authenticate', 'Allow'];

const EXPOSE: HeaderList = ['Access-Control-Expose-Headers', EXPOSED_HEADERS.join(', ')];

/** How many accepted origins are remembered: few pages call a server. */
const MAX_KNOWN = 100;

/** How long a browser may cache the answer to a preflight request: the most that Chromium accepts, in seconds. */
const MAX_AGE = 7_200;

/** Whether pages of an origin may call. */
export function isAcceptedOrigin(origin: string, origins: CorsOrigins): boolean {
  if (origins !== 'localhost') return origins.includes(origin);
  return URL.canParse(origin) && LOCAL.test(new URL(origin).hostname);
}

const LOCAL = /^(?:localhost|.+\.localhost|127\.0\.0\.1|\[::1\])$/;
