import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Client, fetchExchange } from '@urql/core';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SECRET } from '../../process/client.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { tokenFor } from '../../support/api.ts';
import { eventually } from '../../support/eventually.ts';
import { keptPort } from '../../support/kept-port.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

const LIST = '{ threads { totalCount } }';
const CREATE = 'mutation { createThread { thread { id } } }';
const WATCH = 'subscription { threadChanged { kind threadId } }';

/** A client that users have, with nothing set but the address and the token. */
interface TestedClient {
  /** The data of a query or a mutation. */
  execute(document: string): Promise<unknown>;
  /** Subscribes. What it hears is added to the lists. */
  subscribe(document: string, heard: Heard): void;
  /** Whether it subscribes again by itself after a restart, without code in the app. */
  readonly reconnects: boolean;
}

interface Heard {
  readonly events: unknown[];
  readonly errors: string[];
  isOver: boolean;
}

type Connect = (url: string, token: string) => TestedClient;

const CLIENTS: Readonly<Record<string, Connect>> = {
  'Apollo Client with nothing but HttpLink': (uri, token) => {
    const client = new ApolloClient({
      link: new HttpLink({ uri, headers: { authorization: `Bearer ${token}` } }),
      cache: new InMemoryCache(),
    });
    onTestFinished(() => client.stop());
    return {
      reconnects: false,
      async execute(document) {
        const parsed = gql(document);
        const { data } = document.startsWith('mutation')
          ? await client.mutate({ mutation: parsed })
          : await client.query({ query: parsed, fetchPolicy: 'network-only' });
        return data;
      },
      subscribe(document, heard) {
        const subscription = client.subscribe({ query: gql(document) }).subscribe({
          next: ({ data, error }) => {
            if (error === undefined) heard.events.push(data);
            else heard.errors.push(messageOf(error));
          },
          error: (error) => heard.errors.push(messageOf(error)),
          complete: () => void (heard.isOver = true),
        });
        onTestFinished(() => subscription.unsubscribe());
      },
    };
  },
  'urql with fetchSubscriptions': (url, token) => {
    const client = new Client({
      url,
      preferGetMethod: false,
      fetchSubscriptions: true,
      fetchOptions: { headers: { authorization: `Bearer ${token}` } },
      exchanges: [fetchExchange],
    });
    return {
      reconnects: false,
      async execute(document) {
        const { data, error } = document.startsWith('mutation')
          ? await client.mutation(document, {}).toPromise()
          : await client.query(document, {}, { requestPolicy: 'network-only' }).toPromise();
        if (error !== undefined) throw error;
        return data;
      },
      subscribe(document, heard) {
        const { unsubscribe } = client.subscription(document, {}).subscribe(({ data, error }) => {
          if (error === undefined) heard.events.push(data);
          else heard.errors.push(messageOf(error));
        });
        onTestFinished(unsubscribe);
      },
    };
  },
  "graphql-ws' client": (url, token) => {
    const client = createWsClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${token}` },
      shouldRetry: () => true,
    });
    // It is rejected with the close event of a connection that it has closed before.
    onTestFinished(() => Promise.resolve(client.dispose()).catch(() => {}));
    return withSink(client, true);
  },
  "graphql-sse's client": (url, token) => {
    const client = createSseClient({ url, headers: { authorization: `Bearer ${token}` } });
    onTestFinished(() => client.dispose());
    return withSink(client, true);
  },
};

/** What the clients of graphql-ws and graphql-sse have in common. */
interface SinkClient {
  subscribe(
    request: { readonly query: string },
    sink: { next(result: object): void; error(error: unknown): void; complete(): void },
  ): () => void;
}

function withSink(client: SinkClient, reconnects: boolean): TestedClient {
  return {
    reconnects,
    execute: (query) =>
      new Promise((resolve, reject) => {
        client.subscribe(
          { query },
          { next: (result) => resolve(dataOf(result)), error: reject, complete() {} },
        );
      }),
    subscribe(query, heard) {
      const stop = client.subscribe(
        { query },
        {
          next(result) {
            if ('errors' in result) heard.errors.push(JSON.stringify(result.errors));
            else heard.events.push(dataOf(result));
          },
          error: (error) => heard.errors.push(messageOf(error)),
          complete: () => void (heard.isOver = true),
        },
      );
      onTestFinished(stop);
    },
  };
}

function dataOf(result: object): unknown {
  return 'data' in result ? result.data : undefined;
}

/** The message of an error, a close event, or a list of errors. */
function messageOf(error: unknown): string {
  if (error instanceof Error) return `${error.message} ${JSON.stringify(error)}`;
  if (typeof error === 'object' && error !== null && 'reason' in error && 'code' in error) {
    return `${String(error.code)} ${String(error.reason)}`;
  }
  return JSON.stringify(error);
}

function silence(): Heard {
  return { events: [], errors: [], isOver: false };
}

/** Creates threads until a subscriber hears of one. */
async function hears(client: TestedClient, heard: Heard): Promise<void> {
  const { length } = heard.events;
  await eventually('it hears of a thread', async () => {
    await client.execute(CREATE).catch(() => {});
    return heard.events.length > length;
  });
}

/** A client that does not reconnect tells the app, which subscribes again. */
async function heardAfterRestart(client: TestedClient, heard: Heard): Promise<Heard> {
  if (client.reconnects) return heard;
  await eventually('the app is told', () => heard.errors.length > 0 || heard.isOver);
  const again = silence();
  client.subscribe(WATCH, again);
  return again;
}

describe.each(Object.entries(CLIENTS))('%s', (name, connect) => {
  it('should query, change and subscribe, and hear later events after a restart', async () => {
    const port = await keptPort();
    const env = { AUTH_SECRET: SECRET, DATA_DIR: `restart-${name.length}`, PORT: String(port) };
    const first = project.server(env);
    await greeting(first);
    const client = connect(`http://127.0.0.1:${port}/graphql`, await tokenFor('alice'));
    expect(await client.execute(LIST)).toMatchObject({ threads: { totalCount: 0 } });
    const heard = silence();
    client.subscribe(WATCH, heard);
    await hears(client, heard);
    expect(heard.events[0]).toMatchObject({ threadChanged: { kind: 'CREATED' } });

    first.send('SIGTERM');
    expect(await first.ending).toMatchObject({ code: 0 });
    const second = project.server(env);
    await greeting(second);
    await hears(client, await heardAfterRestart(client, heard));
    expect(heard.errors.length > 0 || heard.isOver).toBe(!client.reconnects);
    second.send('SIGTERM');
    await second.ending;
  });

  it('should tell the subscriber of a bad token', async () => {
    const server = project.server({ AUTH_SECRET: SECRET });
    const { port } = await greeting(server);
    const client = connect(`http://127.0.0.1:${port}/graphql`, 'eyJhbGciOiJIUzI1NiJ9.e30.bad');
    const heard = silence();
    client.subscribe(WATCH, heard);
    await eventually('the subscriber is told', () => heard.errors.length > 0 || heard.isOver);
    expect(heard.events).toEqual([]);
    server.send('SIGTERM');
    await server.ending;
  });
});
