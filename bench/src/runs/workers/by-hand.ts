import { at, textAt } from '../http-calls.ts';
import { readJob, type Token, TOKEN_TYPE } from '../job.ts';
import type { RunsWorker, WorkerOptions } from './worker.ts';

/** Milliseconds in which tokens are gathered. */
const GATHER_TIME = 50;

/** A hand-written worker: claims as many runs as it has room for, and ends each by a call of its own. */
export function byHandWorker(): RunsWorker {
  let stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  return {
    async run(options) {
      stopping = new AbortController();
      running = executeAll(options, stopping.signal);
    },
    async stop() {
      stopping.abort();
      // The claim that waits rejects.
      await running.catch(() => {});
    },
  };
}

async function call(path: string, body: object, signal: AbortSignal | null = null): Promise<unknown> {
  const response = await fetch(`${process.env['SERVER_URL']}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${process.env['WORKER_TOKEN']}`,
    },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok) throw new Error(`${path} answered with ${response.status}.`);
  return response.json();
}

async function executeOne(run: unknown, { execute, onEnd }: WorkerOptions): Promise<void> {
  const id = textAt(run, 'id');
  let tokens: Token[] = [];
  let sending: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (tokens.length === 0) return;
    const events = tokens.map((data) => ({ type: TOKEN_TYPE, data }));
    tokens = [];
    sending = sending.then(() => call('/events', { id, events }));
  }

  await execute(readJob(at(run, 'input')), (token) => {
    tokens.push(token);
    timer ??= setTimeout(flush, GATHER_TIME);
  });
  flush();
  await sending;
  await call('/finish', { id });
  onEnd();
}

async function executeAll(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const executing = new Set<Promise<void>>();
  while (!signal.aborted) {
    const max = options.concurrency - executing.size;
    const claimed = at(await call('/claim', { max }, signal), 'runs');
    for (const run of Array.isArray(claimed) ? claimed : []) {
      const execution = executeOne(run, options).finally(() => executing.delete(execution));
      executing.add(execution);
    }
    if (executing.size === options.concurrency) await Promise.race(executing);
  }
}
