import { type FetchedApi, settled, tokenFor } from './api.ts';

/** An event of a stream; pings are none. */
export interface StreamEvent {
  readonly event: string;
  /** The data, parsed; null where there is none. */
  readonly data: { readonly data?: unknown; readonly errors?: readonly unknown[] } | null;
}

/** A subscription, read event by event. */
export interface Stream {
  readonly status: number;
  readonly headers: Headers;
  /** The next event, once it is there; undefined at the end of the response. */
  next(): Promise<StreamEvent | undefined>;
  /** The next so many events. */
  take(count: number): Promise<readonly StreamEvent[]>;
  /** All events up to the end of the response. Rejects where the connection is cut before. */
  rest(): Promise<readonly StreamEvent[]>;
  /** All events until the server cuts the connection. Rejects where the response ends instead. */
  untilCut(): Promise<readonly StreamEvent[]>;
  /** Goes away, as a client that closes the connection. */
  cancel(): Promise<void>;
}

/** Subscribes over Server-Sent Events, to what is changed from now on. Once this is done, the server listens. */
export async function subscribe(
  api: FetchedApi,
  as: string | null,
  query: string,
  variables?: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Stream> {
  // What was changed just before may still be on its way from the stores.
  await settled(api);
  const response = await api.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(as !== null && { authorization: `Bearer ${await tokenFor(as)}` }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  });
  const { body } = response;
  if (body === null) throw new TypeError('The response has no body.');
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let buffered = '';
  let over = false;

  /** Takes in what is there, or waits for it. Does nothing more once the response is over. */
  async function read(): Promise<void> {
    try {
      const { done, value } = await reader.read();
      if (done) over = true;
      else buffered += decoder.decode(value, { stream: true });
    } catch (error) {
      // Whoever waits for an event while the reader goes away waits no longer.
      if (over) return;
      over = true;
      throw error;
    }
  }
  // The first ping is there at once; as in a server, the stream is being read from now on.
  await read();

  async function next(): Promise<StreamEvent | undefined> {
    for (;;) {
      const end = buffered.indexOf('\n\n');
      if (end !== -1) {
        const event = parse(buffered.slice(0, end));
        buffered = buffered.slice(end + 2);
        if (event !== null) return event;
        continue;
      }
      if (over) return undefined;
      await read();
    }
  }

  return {
    status: response.status,
    headers: response.headers,
    next,
    async take(count) {
      const events: StreamEvent[] = [];
      for (let i = 0; i < count; i++) {
        const event = await next();
        if (event === undefined) throw new TypeError(`The stream ended after ${i} events.`);
        events.push(event);
      }
      return events;
    },
    async rest() {
      const events: StreamEvent[] = [];
      for (let event = await next(); event !== undefined; event = await next()) events.push(event);
      return events;
    },
    async untilCut() {
      const events: StreamEvent[] = [];
      try {
        for (let event = await next(); event !== undefined; event = await next()) events.push(event);
      } catch {
        return events;
      }
      throw new TypeError('The response ended, and was not cut.');
    },
    async cancel() {
      if (over) return;
      over = true;
      // It rejects where the server has cut the connection.
      await reader.cancel().catch(() => {});
    },
  };
}

function parse(block: string): StreamEvent | null {
  let event = 'message';
  let data: string | undefined;
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) event = line.slice('event: '.length);
    if (line.startsWith('data:')) data = line.slice('data:'.length).trim();
  }
  if (data === undefined) return null;
  return { event, data: data === '' ? null : JSON.parse(data) };
}
