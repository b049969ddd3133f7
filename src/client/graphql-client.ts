import { connectionLost, type GraphQLErrorBody, RequestError, requestErrorOf } from './request-error.ts';
import { pauseAfter, sleep } from './retry.ts';
import { readServerSentEvents } from './sse.ts';

/** How a server is reached. */
export interface ConnectionOptions {
  /** The URL of the GraphQL endpoint, such as `https://agents.example.com/graphql`. */
  readonly url: string;
  /** A JSON Web Token, or a function that returns one. The function is called for each request. */
  readonly token: string | (() => string | Promise<string>);
  /** Default: the global `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** How often in a row a request is repeated while the server is unavailable, with growing pauses. Default: 10. */
  readonly maxRetries?: number;
}

/** A GraphQL client of one server. */
export interface GraphQLClient {
  readonly maxRetries: number;
  /** Whether the next request may have another token. */
  readonly canRenewToken: boolean;
  /**
   * The data of a query or a mutation. It is repeated while the server is unavailable: a mutation has to be safe to repeat.
   * @throws RequestError
   */
  request<Data>(document: string, variables: Variables, signal: AbortSignal): Promise<Data>;
  /**
   * The results of a subscription, until it is complete.
   * @throws RequestError also where the connection breaks off
   */
  subscribe<Data>(
    document: string,
    variables: Variables,
    signal: AbortSignal,
  ): AsyncGenerator<Data, void, undefined>;
}

type Variables = Readonly<Record<string, unknown>>;

interface Result<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphQLErrorBody[];
}

const REQUEST_TIMEOUT = 30_000;
/** The server sends a ping every 12 s. */
const LONGEST_SILENCE = 40_000;

/** Creates a client of a server. */
export function createGraphQLClient(options: ConnectionOptions): GraphQLClient {
  const { url, token, maxRetries = 10 } = options;
  // A browser's `fetch` throws when it is called as a method of another object.
  const send = options.fetch ?? ((...args) => fetch(...args));

  async function post(body: object, accept: string, signal: AbortSignal): Promise<Response> {
    const authorization = `Bearer ${typeof token === 'string' ? token : await token()}`;
    signal.throwIfAborted();
    try {
      const headers = { 'content-type': 'application/json', accept, authorization };
      return await send(url, { method: 'POST', headers, body: JSON.stringify(body), signal });
    } catch (error) {
      throw connectionLost(error);
    }
  }

  async function requestOnce<Data>(body: object, signal: AbortSignal): Promise<Data> {
    const response = await post(body, 'application/json', signal);
    const { data, errors = [] } = await readResult<Data>(response);
    if (data == null || errors.length > 0) throw requestErrorOf(errors, response);
    return data;
  }

  return {
    maxRetries,
    canRenewToken: typeof token === 'function',
    async request<Data>(query: string, variables: Variables, signal: AbortSignal) {
      for (let failures = 1; ; failures++) {
        const limit = limited(signal, REQUEST_TIMEOUT);
        try {
          return await requestOnce<Data>({ query, variables }, limit.signal);
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof RequestError) || !error.isTemporary || failures > maxRetries) throw error;
          await sleep(pauseAfter(failures, error), signal);
        } finally {
          limit.clear();
        }
      }
    },
    async *subscribe<Data>(query: string, variables: Variables, signal: AbortSignal) {
      const limit = limited(signal, LONGEST_SILENCE);
      try {
        const response = await post({ query, variables }, 'text/event-stream', limit.signal);
        if (response.body === null || !isEventStream(response)) {
          throw requestErrorOf((await readResult(response)).errors ?? [], response);
        }
        for await (const { event, data } of readServerSentEvents(response.body, limit.restart)) {
          if (event === 'complete') return;
          if (event !== 'next') continue;
          const result: Result<Data> = JSON.parse(data);
          if (result.data == null) throw requestErrorOf(result.errors ?? [], null);
          yield result.data;
        }
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof RequestError ? error : connectionLost(error);
      } finally {
        limit.end();
      }
      throw connectionLost();
    },
  };
}

function isEventStream(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}

/** The result in a response. A proxy may have answered with something else: then without data and errors. */
async function readResult<Data>(response: Response): Promise<Result<Data>> {
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    throw connectionLost(error);
  }
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** A signal that is aborted with another one, and after a time. */
function limited(signal: AbortSignal, milliseconds: number) {
  const controller = new AbortController();
  const follow = (): void => controller.abort(signal.reason);
  const expire = (): void =>
    controller.abort(new Error(`nothing was received for ${milliseconds / 1_000} s`));
  signal.addEventListener('abort', follow);
  if (signal.aborted) follow();
  let timer = setTimeout(expire, milliseconds);

  function clear(): void {
    clearTimeout(timer);
    signal.removeEventListener('abort', follow);
  }

  return {
    signal: controller.signal,
    clear,
    restart(): void {
      clearTimeout(timer);
      timer = setTimeout(expire, milliseconds);
    },
    /** Clears it, and closes the connection. */
    end(): void {
      clear();
      controller.abort();
    },
  };
}
