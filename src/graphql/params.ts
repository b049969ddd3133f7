import { apiError } from '../errors.ts';
import { isObject } from '../lib/is-object.ts';

/** The parameters of a GraphQL request: https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters */
export interface RequestParams {
  readonly query?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly operationName?: string | null | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Checks the parameters of a request. @throws GraphQLError BAD_USER_INPUT for what is no GraphQL request */
export function parseParams(params: unknown): RequestParams {
  if (!isObject(params)) throw badRequest('A request must be one JSON object, with the document in `query`.');
  const { query, variables, operationName, extensions, ...others } = params;
  for (const [name, value] of Object.entries(others)) {
    if (value != null) {
      throw badRequest(`Unknown parameter \`${name.slice(0, 50)}\`: ${NAMES} are accepted.`);
    }
  }
  if (query != null && typeof query !== 'string') throw badRequest('`query` must be a string.');
  if (operationName != null && typeof operationName !== 'string') {
    throw badRequest('`operationName` must be a string.');
  }
  if (variables != null && !isObject(variables)) throw badRequest('`variables` must be a JSON object.');
  if (extensions != null && !isObject(extensions)) throw badRequest('`extensions` must be a JSON object.');
  return { query, variables, operationName, extensions };
}

const NAMES = '`query`, `variables`, `operationName` and `extensions`';

function badRequest(message: string): Error {
  return apiError('BAD_USER_INPUT', message, { status: 400 });
}
