import { type FetchedApi, tokenFor } from '../support/api.ts';

/** A request; as nobody and without a body unless told. */
export interface Ask {
  readonly as?: string | undefined;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request as it is, to any path. */
export async function request(api: FetchedApi, path: string, ask: Ask = {}) {
  const { as, method = 'GET', headers, body } = ask;
  const response = await api.fetch(`http://localhost${path}`, {
    method,
    headers: { ...(as !== undefined && { authorization: `Bearer ${await tokenFor(as)}` }), ...headers },
    ...(body !== undefined && { body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Posts a body as alice, who accepts one media type. */
export function post(api: FetchedApi, body: string, accept: string) {
  const headers = { 'content-type': 'application/json', accept };
  return request(api, '/graphql', { as: 'alice', method: 'POST', headers, body });
}

/** A path with a query string. */
export function graphqlUrl(parameters: Readonly<Record<string, string>>): string {
  return `/graphql?${new URLSearchParams(parameters).toString()}`;
}

/** The codes of an answer's errors; none where there are no errors. */
export function codesOf(text: string): string[] {
  const { errors = [] }: { errors?: { extensions: { code: string } }[] } = JSON.parse(text);
  return errors.map(({ extensions }) => extensions.code);
}

/** How many threads alice has. */
export async function threadsOf(api: FetchedApi): Promise<unknown> {
  const { text } = await post(api, '{"query":"{ threads { totalCount } }"}', 'application/json');
  return JSON.parse(text);
}

export const NO_THREADS = { data: { threads: { totalCount: 0 } } };

/** What must never be in an answer: a stack, or a path of this machine. */
export const INNARDS = /\bat .+:\d+:\d+|node_modules|\/src\/|file:\/\//;
