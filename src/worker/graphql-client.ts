import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../lib/error-message.ts';
import { isObject } from '../lib/is-object.ts';
import type { Availability } from './availability.ts';
import { CallError } from './call-error.ts';
import type { JsonObject } from './claimed-run.ts';
import { FieldFailure } from './field-failure.ts';
import type { TokenSource } from './token-source.ts';

/** Milliseconds in which a call is answered: the longest wait, and more than the server gives a request. */
const TIMEOUT = 30_000;
const TIMEOUT_MESSAGE = `There was no answer within ${TIMEOUT / 1_000} seconds.`;
/** Milliseconds before a call is sent again: the first time, and at most. */
const FIRST_PAUSE = 250;
const LAST_PAUSE = 10_000;
/** Seconds after which a call is sent again, even where the server or a proxy asks for more. */
const MAX_RETRY_AFTER = 60;
/** HTTP statuses of calls that may succeed later. */
const TEMPORARY_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);
/** Codes of errors after which a call may succeed later, whatever the HTTP status. */
const TEMPORARY_CODES: ReadonlySet<unknown> = new Set(['SERVICE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR']);
/** Codes of errors that one field may have while the others succeed. */
const FIELD_CODES: ReadonlySet<unknown> = new Set(['LIMIT_EXCEEDED', 'INTERNAL_SERVER_ERROR']);

/** Sends documents to the server. */
export interface GraphQLClient {
  /**
   * Sends a document until it is answered, with pauses that grow from 0.25 to 10 s while the server is unavailable, each
   * times a random number from 0.5 to 1.5.
   * @param variables as JSON
   * @param options.signal aborts the call. It then rejects with the signal's reason.
   * @param options.giveUp ends the attempts: once it is aborted, a call that finds the server unavailable rejects with its
   *   reason. Default: the client's.
   * @param options.once whether a failure of one of its fields ends the attempts. Default: false.
   * @returns the data: the root fields by their aliases
   * @throws {CallError} when the server refuses it
   * @throws {FieldFailure} with `once`
   */
  send(
    query: string,
    variables: string,
    options?: { readonly signal?: AbortSignal; readonly giveUp?: AbortSignal; readonly once?: boolean },
  ): Promise<JsonObject>;
}

interface ClientOptions {
  readonly url: string;
  readonly token: TokenSource;
  readonly availability: Availability;
  /** Ends all attempts, also those that wait for an answer. A call that begins later is sent once. */
  readonly giveUp: AbortSignal;
}

/** An attempt to send a call: its data, why the server refuses it permanently, or why it is to be retried. */
type Attempt =
  | { readonly data: JsonObject }
  | { readonly refused: CallError }
  | {
      readonly unavailable: string;
      readonly retryAfterSeconds: number;
      /** The code of the error of a field; null for one of the whole request. */
      readonly fieldCode: unknown;
    };

/** A client of a GraphQL server, over `fetch`. */
export function graphqlClient({
  url,
  token,
  availability,
  giveUp: defaultGiveUp,
}: ClientOptions): GraphQLClient {
  // Each call adds one: hundreds are no leak.
  setMaxListeners(0, defaultGiveUp);
  return {
    async send(query, variables, { signal, giveUp = defaultGiveUp, once = false } = {}) {
      const body = `{"query":${JSON.stringify(query)},"variables":${variables}}`;
      for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LAST_PAUSE)) {
        signal?.throwIfAborted();
        const began = Date.now();
        const result = await attempt(body, signal);
        if (!('unavailable' in result)) availability.available(began);
        if ('data' in result) return result.data;
        if ('refused' in result) throw result.refused;
        signal?.throwIfAborted();
        // Too many events of one run do not mean that the server is unavailable.
        if (result.fieldCode !== 'LIMIT_EXCEEDED') availability.unavailable(result.unavailable);
        giveUp.throwIfAborted();
        if (once && FIELD_CODES.has(result.fieldCode)) throw new FieldFailure(result.unavailable);
        // With jitter, so that many workers do not call again at the same moment.
        const milliseconds = Math.max(pause, result.retryAfterSeconds * 1_000) * (0.5 + Math.random());
        await delay(milliseconds, undefined, { signal: signal ?? giveUp }).catch(() => {});
      }
    },
  };

  async function attempt(body: string, signal?: AbortSignal): Promise<Attempt> {
    // Not AbortSignal.timeout: its timers live on after the call.
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const timer = setTimeout(() => controller.abort(new Error(TIMEOUT_MESSAGE)), TIMEOUT);
    signal?.addEventListener('abort', abort);
    defaultGiveUp.addEventListener('abort', abort);
    try {
      const bearer = await unlessAborted(token.get(), controller.signal);
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${bearer}` };
      const response = await fetch(url, { method: 'POST', headers, body, signal: controller.signal });
      return readResponse(response, await response.text(), () => token.refused(bearer));
    } catch (error) {
      return { unavailable: networkMessage(error), retryAfterSeconds: 0, fieldCode: null };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      defaultGiveUp.removeEventListener('abort', abort);
    }
  }
}

/** The result of a promise. Rejects with the signal's reason once it is aborted. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    promise.then(resolve, reject);
  });
}

/** @param refuseToken called when the token was refused. Returns whether there is another one to try. */
function readResponse({ status, headers }: Response, text: string, refuseToken: () => boolean): Attempt {
  const body = parseBody(text);
  const { data, errors } = isObject(body) ? body : {};
  const error: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (error === undefined && isObject(data)) return { data };
  const { message, extensions, path } = isObject(error) ? error : {};
  const code = isObject(extensions) ? extensions['code'] : undefined;
  const reason = typeof message === 'string' ? message : `HTTP status ${status}, without a GraphQL result`;
  const isUnauthenticated = status === 401 || code === 'UNAUTHENTICATED';
  const isTemporary = status >= 500 || TEMPORARY_STATUSES.has(status) || TEMPORARY_CODES.has(code);
  const isOfProxy = body === undefined;
  if (isTemporary || isOfProxy || (isUnauthenticated && refuseToken()))
    return {
      unavailable: reason,
      retryAfterSeconds: Math.min(Number(headers.get('retry-after')) || 0, MAX_RETRY_AFTER),
      fieldCode: path === undefined ? null : code,
    };
  return { refused: new CallError(reason) };
}

/** The JSON of a body; undefined for what a proxy answers in the server's place. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The message of a failed `fetch`, whose reason is its cause. */
function networkMessage(error: unknown): string {
  return errorMessage(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
