import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { tokenFor } from '../../support/api.ts';

const Batch = z.object({
  events: z.array(z.object({ seq: z.number(), type: z.string() })),
  last: z.number(),
  missedUpTo: z.null(),
  done: z.boolean(),
});
const Result = z.strictObject({ data: z.strictObject({ runEvents: Batch }) });

/** A batch of a run's events. */
export type Batch = z.output<typeof Batch>;

/** A run's events as they come over a transport. */
export interface EventStream {
  /** The next batch; how it ended where there is none. */
  next(): Promise<Batch | 'complete' | 'cut'>;
  /** Goes away. */
  leave(): void;
}

/** The ways in which clients subscribe. */
export const TRANSPORTS = ['SSE', 'multipart', 'WebSocket'] as const;

const QUERY = `subscription($id: ID!, $after: Int!) { runEvents(runId: $id, after: $after) {
  events { seq type } last missedUpTo done } }`;

/** Subscribes to alice's run. */
export async function openEvents(
  transport: (typeof TRANSPORTS)[number],
  port: number,
  id: string,
  after: number,
): Promise<EventStream> {
  const request = { query: QUERY, variables: { id, after } };
  const authorization = `Bearer ${await tokenFor('alice')}`;
  if (transport === 'WebSocket') return overWebSocket(port, authorization, request);
  const accept = transport === 'SSE' ? 'text/event-stream' : 'multipart/mixed;subscriptionSpec=1.0';
  return overHttp(port, { authorization, accept }, request);
}

/** Both formats have a result in a line of its own, and one that is the end. */
async function overHttp(
  port: number,
  headers: Record<string, string>,
  request: object,
): Promise<EventStream> {
  const leaving = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(request),
    signal: leaving.signal,
  });
  if (response.body === null) throw new TypeError('The response has no body.');
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';

  async function line(): Promise<string | null> {
    for (;;) {
      const end = text.indexOf('\n');
      if (end !== -1) {
        const found = text.slice(0, end).trimEnd();
        text = text.slice(end + 1);
        return found;
      }
      const { done, value } = await reader.read();
      if (done) return null;
      text += decoder.decode(value, { stream: true });
    }
  }

  async function next(): Promise<Batch | 'complete' | 'cut'> {
    try {
      for (let read = await line(); read !== null; read = await line()) {
        if (read === 'event: complete' || read === '--graphql--') return await complete();
        const json = /^(?:data: |\{"payload":)(\{.*\})$/.exec(read)?.[1];
        if (json === undefined) continue;
        return batchOf(JSON.parse(read.startsWith('{') ? json.slice(0, -1) : json));
      }
    } catch (error) {
      if (error instanceof TypeError && error.message === 'terminated') return 'cut';
      throw error;
    }
    throw new TypeError('The response ended without an end of the results.');
  }

  async function complete(): Promise<'complete'> {
    while ((await line()) !== null);
    return 'complete';
  }

  return { next, leave: () => leaving.abort() };
}

async function overWebSocket(port: number, authorization: string, payload: object): Promise<EventStream> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, ['graphql-transport-ws']);
  const arrived: (Batch | 'complete' | 'cut' | 'ready')[] = [];
  let onArrival: (() => void) | null = null;
  let failure: unknown = null;

  function arrive(what: (typeof arrived)[number]): void {
    arrived.push(what);
    onArrival?.();
  }
  async function take(): Promise<(typeof arrived)[number]> {
    for (;;) {
      if (failure !== null) throw failure;
      const first = arrived.shift();
      if (first !== undefined) return first;
      await new Promise<void>((resolve) => void (onArrival = resolve));
    }
  }

  socket.on('error', () => {});
  socket.on('close', () => arrive('cut'));
  socket.on('message', (data: Buffer) => {
    const message: { readonly type: string; readonly payload?: unknown } = JSON.parse(data.toString());
    try {
      if (message.type === 'connection_ack') arrive('ready');
      else if (message.type === 'next') arrive(batchOf(message.payload));
      else if (message.type === 'complete') arrive('complete');
      else if (message.type !== 'ping') throw new TypeError(`A message came: ${data.toString()}`);
    } catch (error) {
      failure = error;
      onArrival?.();
    }
  });
  await Promise.race([once(socket, 'open'), once(socket, 'close')]);
  if (socket.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }));
    if ((await take()) === 'ready') socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload }));
    else arrive('cut');
  }

  return {
    async next() {
      const what = await take();
      if (what === 'ready') throw new TypeError('It was acknowledged twice.');
      if (what === 'complete') socket.close();
      return what;
    },
    leave: () => socket.terminate(),
  };
}

function batchOf(result: unknown): Batch {
  return Result.parse(result).data.runEvents;
}
