import type { Plugin } from 'graphql-yoga';
import { apiError } from '../../errors.ts';

/**
 * Refuses bodies that are not JSON in UTF-8 as it is, which yoga would execute, and parameters of a GET that are not
 * JSON.
 */
export function useJsonOnly(): Plugin {
  return {
    onRequest({ request }) {
      // yoga compares letter by letter: `Application/JSON ; charset=UTF-8` is JSON too.
      if (isJson(request.headers.get('content-type'))) request.headers.set('content-type', JSON_TYPE);
    },
    onRequestParse({ request, requestParser, setRequestParser }) {
      if (request.method === 'POST') assertJson(request);
      if (request.method === 'GET' && requestParser !== undefined) {
        setRequestParser((get) => {
          try {
            return requestParser(get);
          } catch {
            throw apiError('BAD_USER_INPUT', '`variables` and `extensions` must be JSON objects.', {
              status: 400,
            });
          }
        });
      }
    },
  };
}

const JSON_TYPE = 'application/json';
const UTF_8 = /^charset="?utf-8"?$/;

function assertJson(request: Request): void {
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  // Node takes `gzip, chunked` for chunks of JSON.
  const transfer = request.headers.get('transfer-encoding') ?? 'chunked';
  if (encoding.toLowerCase() !== 'identity' || transfer.toLowerCase() !== 'chunked') {
    throw apiError('BAD_USER_INPUT', 'Send the request without compression.', {
      status: 415,
      headers: { 'Accept-Encoding': 'identity' },
    });
  }
  if (isJson(request.headers.get('content-type'))) return;
  throw apiError('BAD_USER_INPUT', 'Send the request as JSON, with `Content-Type: application/json`.', {
    status: 415,
    headers: { 'Accept-Post': JSON_TYPE },
  });
}

/** Whether a content type is JSON in UTF-8. */
export function isJson(contentType: string | null | undefined): boolean {
  if (contentType === JSON_TYPE) return true;
  const [type, ...parameters] = (contentType ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  return type === JSON_TYPE && parameters.every((part) => !part.startsWith('charset') || UTF_8.test(part));
}
