import type { Plugin } from 'graphql-yoga';
import { apiError } from '../api-error.ts';

/** Refuses bodies that are not JSON, which yoga would execute, and parameters of a GET that are not JSON. */
export function useJsonOnly(): Plugin {
  return {
    onRequestParse({ request, requestParser, setRequestParser }) {
      if (request.method === 'POST' && !JSON_TYPE.test(request.headers.get('content-type') ?? '')) {
        throw apiError('BAD_USER_INPUT', 'Send the request as JSON, with `Content-Type: application/json`.', {
          status: 415,
          headers: { 'Accept-Post': 'application/json' },
        });
      }
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

const JSON_TYPE = /^application\/json(;|$)/;
