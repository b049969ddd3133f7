/** How results are framed in a body, in the bytes that clients read. */
export interface Format {
  readonly name: string;
  /** The `Accept` header of clients that want nothing else. */
  readonly accept: string;
  readonly contentType: string;
  readonly start: string;
  readonly ping: string;
  readonly end: string;
  frame(result: object): string;
  /** The results in a body, in order. */
  resultsOf(text: string): readonly Result[];
}

/** A result in a body. */
export interface Result {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

/** https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode */
export const SSE: Format = {
  name: 'Server-Sent Events',
  accept: 'text/event-stream',
  contentType: 'text/event-stream; charset=utf-8',
  start: ':\n\n',
  ping: ':\n\n',
  end: 'event: complete\ndata:\n\n',
  frame: (result) => `event: next\ndata: ${JSON.stringify(result)}\n\n`,
  resultsOf: (text) =>
    Array.from(text.matchAll(/^event: next\ndata: (.*)\n$/gm), ([, json = '']): Result => JSON.parse(json)),
};

/** https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol */
export const MULTIPART: Format = {
  name: 'multipart',
  accept: 'multipart/mixed;subscriptionSpec=1.0',
  contentType: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
  start: '\r\n--graphql',
  ping: '\r\nContent-Type: application/json\r\n\r\n{}\r\n--graphql',
  end: '--\r\n',
  frame: (result) =>
    `\r\nContent-Type: application/json\r\n\r\n${JSON.stringify({ payload: result })}\r\n--graphql`,
  resultsOf: (text) =>
    Array.from(text.matchAll(/^\{"payload":(.*)\}\r$/gm), ([, json = '']): Result => JSON.parse(json)),
};
