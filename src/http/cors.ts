import type { CORSOptions, Plugin } from 'graphql-yoga';
import { REQUEST_ID_HEADER } from '../observability/request-id.ts';

/** Lets browsers call from some origins alone: those listed, or any of this machine. Never with cookies. */
export function corsFor(accepted: readonly string[] | 'localhost'): (request: Request) => CORSOptions {
  return (request) => {
    const origin = request.headers.get('origin');
    if (origin === null || !isAccepted(origin, accepted)) return false;
    return {
      origin,
      methods: ['GET', 'POST'],
      allowedHeaders: ['authorization', 'content-type'],
      exposedHeaders: [REQUEST_ID_HEADER],
      credentials: false,
      maxAge: MAX_AGE,
    };
  };
}

/** Tells caches that answers depend on the origin, also those to origins that are refused. */
export function useVaryOrigin(): Plugin {
  return {
    onResponse({ response }) {
      response.headers.append('Vary', 'Origin');
    },
  };
}

/** How long a browser may remember that it may call: two hours, the most that Chromium keeps; in seconds. */
const MAX_AGE = 7_200;

function isAccepted(origin: string, accepted: readonly string[] | 'localhost'): boolean {
  if (accepted !== 'localhost') return accepted.includes(origin);
  return URL.canParse(origin) && LOCAL.test(new URL(origin).hostname);
}

const LOCAL = /^(?:localhost|.+\.localhost|127\.0\.0\.1|\[::1\])$/;
