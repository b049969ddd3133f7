import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createVerifier } from '../../peers/verify-each-time.ts';
import { postMessage } from '../child.ts';

/** A hand-written server of runs: a queue in an array, `node:http`, and jose for each request. */
interface Run {
  readonly id: string;
  readonly owner: string;
  readonly input: unknown;
  status: 'PENDING' | 'RUNNING' | 'SUCCESS';
  readonly events: object[];
  readonly readers: Set<ServerResponse>;
}

/** Milliseconds that a claim waits for a run. */
const WAIT = 10_000;
/** Milliseconds that a connection without a request is kept, as by this server: Node.js has 5 s, in which others reuse it. */
const KEEP_ALIVE_TIME = 75_000;

const identify = await createVerifier();
const runs = new Map<string, Run>();
const queue: Run[] = [];
const waiting = new Set<() => void>();

process.once('SIGTERM', () => process.exit());
createServer({ keepAliveTimeout: KEEP_ALIVE_TIME }, (request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    response.destroy();
  });
}).listen(Number(process.env['PORT']), '127.0.0.1', () => postMessage({ type: 'ready' }));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let owner: string;
  try {
    owner = await identify(request.headers.authorization);
  } catch {
    return send(response, 401, { error: 'A valid token is needed.' });
  }
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  const body: { id?: string; input?: unknown; max?: number; events?: object[] } = JSON.parse(text);
  switch (request.url) {
    case '/create':
      return send(response, 200, { id: create(owner, body.input) });
    case '/claim':
      if (queue.length === 0) await runOrTimeout(response);
      return send(response, 200, { runs: response.closed ? [] : claim(body.max ?? 1) });
  }
  const run = runs.get(body.id ?? '');
  if (run === undefined) return send(response, 404, { error: 'There is no such run.' });
  switch (request.url) {
    case '/events':
      addEvents(run, body.events ?? []);
      return send(response, 200, { held: true });
    case '/finish':
      finish(run);
      return send(response, 200, { status: run.status });
    case '/stream':
      if (run.owner !== owner) return send(response, 404, { error: 'There is no such run.' });
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
      if (run.events.length > 0) response.write(frameOf(run.events));
      if (run.status === 'SUCCESS') response.end();
      else run.readers.add(response);
      response.once('close', () => run.readers.delete(response));
  }
}

function create(owner: string, input: unknown): string {
  const run: Run = { id: randomUUID(), owner, input, status: 'PENDING', events: [], readers: new Set() };
  runs.set(run.id, run);
  queue.push(run);
  for (const wake of waiting) {
    waiting.delete(wake);
    wake();
    break;
  }
  return run.id;
}

function runOrTimeout(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(wake, WAIT);
    function wake(): void {
      clearTimeout(timer);
      waiting.delete(wake);
      resolve();
    }
    waiting.add(wake);
    response.once('close', wake);
  });
}

function claim(max: number): object[] {
  return queue.splice(0, max).map((run) => {
    run.status = 'RUNNING';
    return { id: run.id, input: run.input };
  });
}

function addEvents(run: Run, events: readonly object[]): void {
  run.events.push(...events);
  const frame = frameOf(events);
  for (const reader of run.readers) reader.write(frame);
}

function finish(run: Run): void {
  run.status = 'SUCCESS';
  for (const reader of run.readers) reader.end();
}

function frameOf(events: readonly object[]): string {
  return `data: ${JSON.stringify(events)}\n\n`;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
