import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { SERVER, tokenOf } from '../../process/client.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { type DebianProgram, findDebianProgram, type Found } from '../../support/debian-programs.ts';
import { guardedFolder } from '../../support/postgres/folder.ts';
import { HOST, type Proxy, startCaddy, startNginx, type StartProxy } from './proxies.ts';

const PROGRAMS: readonly (readonly [DebianProgram, Found, StartProxy])[] = [
  ['nginx', await findDebianProgram('nginx'), startNginx],
  ['caddy', await findDebianProgram('caddy'), startCaddy],
];
const CREATE = 'mutation { createThread { thread { status } } }';
const CREATED = { data: { createThread: { thread: { status: 'IDLE' } } } };
const WATCH = 'subscription { threadChanged { kind } }';
const CHANGED = { data: { threadChanged: { kind: 'CREATED' } } };

describe.each(PROGRAMS)('%s, as docs/deploy.md configures it', (name, found, start) => {
  describe.skipIf('missing' in found)(
    `in front of a server${'missing' in found ? ` (${found.missing})` : ''}`,
    () => {
      let project: Project;
      let proxy: Proxy;
      let upstream: Counter;
      let token: string;

      beforeAll(async () => {
        project = await openProject();
        token = await tokenOf('alice');
        const { port } = await greeting(project.server(SERVER));
        upstream = await countConnections(port);
        const { port: free, remove } = await guardedFolder({});
        proxy = await start(project, 'path' in found ? found.path : name, upstream.port, free);
        await remove();
      });

      afterAll(async () => {
        await project.remove();
        upstream.close();
      });

      /** Connects as a browser does. */
      function openHttp2(): ClientHttp2Session {
        const { port, authority } = proxy;
        const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority, servername: HOST });
        onTestFinished(() => session.destroy());
        return session;
      }

      /** Sends a document by HTTP/2. Returns its answer while that comes. */
      function send(session: ClientHttp2Session, query: string, accept: string) {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/graphql',
          ':authority': HOST,
          'content-type': 'application/json',
          authorization: `Bearer ${token}`,
          accept,
        });
        stream.end(JSON.stringify({ query }));
        return stream.setEncoding('utf8');
      }

      async function sendMutation(session: ClientHttp2Session): Promise<unknown> {
        let text = '';
        for await (const chunk of send(session, CREATE, 'application/json')) text += String(chunk);
        return JSON.parse(text);
      }

      it('should pass requests on by HTTP/2, and keep its connections to the server', async () => {
        const session = openHttp2();
        const before = upstream.count();
        for (let sent = 0; sent < 5; sent++) expect(await sendMutation(session)).toEqual(CREATED);
        expect(session.alpnProtocol).toBe('h2');
        expect(upstream.count() - before).toBeLessThanOrEqual(1);
      });

      it('should pass events on while the stream is open', async () => {
        const session = openHttp2();
        const stream = send(session, WATCH, 'text/event-stream');
        let text = '';
        for await (const chunk of stream) {
          // The first ping is sent once the server listens to changes.
          if (text === '') await sendMutation(session);
          text += String(chunk);
          if (text.includes('event: next')) break;
        }
        expect(JSON.parse(/^data: ?(\{.*)$/m.exec(text)?.[1] ?? '')).toEqual(CHANGED);
      });

      it('should upgrade to WebSockets', async () => {
        const { port, authority } = proxy;
        const session = openHttp2();
        const options = { ca: authority, servername: HOST, headers: { host: HOST } };
        const client = createClient({
          url: `wss://127.0.0.1:${port}/graphql`,
          webSocketImpl: class extends WebSocket {
            constructor(url: string, protocol: string) {
              super(url, protocol, options);
            }
          },
          connectionParams: { authorization: `Bearer ${token}` },
          lazy: false,
        });
        onTestFinished(() => client.dispose());
        const events = client.iterate({ query: WATCH });
        const first = events.next();
        // The server answers in the order of its messages: it listens by then.
        await client.iterate({ query: '{ __typename }' }).next();
        expect(await sendMutation(session)).toEqual(CREATED);
        expect((await first).value).toEqual(CHANGED);
        await events.return?.();
      });
    },
  );
});

/** Counts the connections to a server, and passes them on. */
interface Counter {
  readonly port: number;
  count(): number;
  close(): void;
}

async function countConnections(port: number): Promise<Counter> {
  let accepted = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    accepted += 1;
    const onward = connect(port, '127.0.0.1');
    for (const one of [socket, onward]) sockets.add(one.on('error', () => {}));
    socket.pipe(onward).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    count: () => accepted,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
