import { onTestFinished } from 'vitest';
import { type FetchedApi, tokenFor } from '../../support/api.ts';

/** A request for a stream. */
export interface StreamRequest {
  readonly accept: string | null;
  /** The document, sent by POST. */
  readonly query?: string;
  /** The whole body instead of one with `query`. */
  readonly body?: string;
  /** Who asks; null for nobody. Default: alice. */
  readonly as?: string | null;
  /** The query string of a GET request, instead of a POST. */
  readonly get?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A response, read as text. */
export interface RawStream {
  readonly status: number;
  readonly headers: Headers;
  /** Reads until all that has been read matches. Returns it. Rejects where the body ends before. */
  until(wanted: RegExp): Promise<string>;
  /** Reads until there are as many bytes. Returns all that has been read. Rejects where the body ends before. */
  take(bytes: number): Promise<string>;
  /** Reads to the end of the body. */
  rest(): Promise<{ readonly text: string; readonly isCut: boolean }>;
  /** Closes the connection, as a client that goes away. */
  cancel(): Promise<void>;
}

/** Sends a request, which is cancelled with its test. */
export async function openStream(api: FetchedApi, request: StreamRequest): Promise<RawStream> {
  const { accept, query = THREADS, body = JSON.stringify({ query }), as = 'alice', get, headers } = request;
  const sent = {
    'content-type': 'application/json',
    ...(accept !== null && { accept }),
    ...(as !== null && { authorization: `Bearer ${await tokenFor(as)}` }),
    ...headers,
  };
  const response =
    get === undefined
      ? await api.fetch('http://localhost/graphql', { method: 'POST', headers: sent, body })
      : await api.fetch(`http://localhost/graphql?${new URLSearchParams(get)}`, { headers: sent });
  if (response.body === null) throw new TypeError('The response has no body.');
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let isOver = false;

  async function read(): Promise<void> {
    const { done, value } = await reader.read();
    if (done) isOver = true;
    else text += decoder.decode(value, { stream: true });
  }

  async function readUntil(isEnough: () => boolean): Promise<string> {
    while (!isEnough()) {
      if (isOver) throw new TypeError(`The body ended with ${JSON.stringify(text)}.`);
      await read();
    }
    return text;
  }

  async function cancel(): Promise<void> {
    // It rejects where the server has cut the connection.
    await reader.cancel().catch(() => {});
  }

  onTestFinished(cancel);
  return {
    status: response.status,
    headers: response.headers,
    until: (wanted) => readUntil(() => wanted.test(text)),
    take: (bytes) => readUntil(() => Buffer.byteLength(text) >= bytes),
    async rest() {
      try {
        while (!isOver) await read();
        return { text, isCut: false };
      } catch {
        return { text, isCut: true };
      }
    },
    cancel,
  };
}

/** The subscription of most tests. */
export const THREADS = 'subscription { threadChanged { kind thread { metadata } } }';
