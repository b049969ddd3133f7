// The scenario worker of the TypeScript library. See WorkerLibrary in library.ts.
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const { createWorker, RunFailure } = await import(
  pathToFileURL(join('dist', 'worker', 'create-worker.js')).href
);
const { AGENT_GRAPHQL_URL, AGENT_GRAPHQL_TOKENS, LEASE_SECONDS, DRAIN_SECONDS, CONCURRENCY, WORKER_NAME } =
  process.env;

/** An object of this many levels. */
const nested = (levels) => (levels === 1 ? {} : { a: nested(levels - 1) });

const graphs = {
  given({
    signal: _signal,
    emit: _emit,
    save: _save,
    interrupt: _interrupt,
    secondsLeft: _left,
    traceparent: _trace,
    ...claim
  }) {
    return claim;
  },
  async words({ input: { text, pauseMilliseconds = 0 }, emit }) {
    for (const delta of text.split(' ')) {
      await sleep(pauseMilliseconds);
      await emit('TEXT_MESSAGE_CONTENT', { delta });
    }
    return { text };
  },
  async count({ input: { to, pauseMilliseconds = 0 }, checkpoint, emit, save }) {
    for (let count = (checkpoint?.count ?? 0) + 1; count <= to; count++) {
      await sleep(pauseMilliseconds);
      await emit('CUSTOM', { count });
      await save({ count });
    }
    return { count: to };
  },
  async wait({ id, signal, emit, save }) {
    await save({ waited: true });
    await emit('CUSTOM', { waits: true });
    // It may be aborted by now: such a signal has no event any more.
    if (!signal.aborted) await once(signal, 'abort');
    const reasons = { CANCELLED: 'cancelled', LOST: 'lost', RELEASED: 'drain' };
    console.log(`stopped ${id} ${reasons[signal.reason.reason]}`);
    throw signal.reason;
  },
  ask({ input, values, resumes, interrupt }) {
    if (resumes) return { question: values.question, answer: input.answer };
    const { question, swallow = false } = input;
    try {
      interrupt({ question }, { question });
    } catch (error) {
      if (!swallow) throw error;
    }
    return { swallowed: true };
  },
  fail({ input }) {
    throw new Error(input.message);
  },
  failure({ input: { message, ...options } }) {
    throw new RunFailure(message, options);
  },
  async output({ input: { kind }, save }) {
    if (kind === 'list') return [1];
    if (kind === 'text') return 'text';
    if (kind === 'large') return { text: 'x'.repeat(600_000) };
    if (kind === 'deep') return nested(33);
    await save({ saved: true });
  },
  async emit({ input: { count, bytes }, emit }) {
    for (let index = 0; index < count; index++) await emit('CUSTOM', { index, text: 'x'.repeat(bytes) });
    return { count };
  },
  refused({ emit }) {
    const events = {
      'empty type': ['', {}],
      'long type': ['x'.repeat(65), {}],
      list: ['CUSTOM', [1]],
      large: ['CUSTOM', { text: 'x'.repeat(70_000) }],
      deep: ['CUSTOM', nested(33)],
      surrogate: ['CUSTOM', { text: '\ud800' }],
    };
    const refused = [];
    for (const [name, event] of Object.entries(events)) {
      try {
        emit(...event);
      } catch {
        refused.push(name);
      }
    }
    return { refused };
  },
  block({ id, input: { milliseconds } }) {
    console.log(`began ${id}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    return { blocked: true };
  },
};

const LINES = {
  CLAIMED: ({ runId }) => `claimed ${runId}`,
  LOST: ({ runId }) => `lost ${runId}`,
  RELEASED: ({ runId }) => `released ${runId}`,
  EVENTS_REFUSED: ({ runId }) => `dropped ${runId}`,
  ENDED: ({ runId, status }) => `ended ${runId} ${status}`,
  UNAVAILABLE: () => 'unavailable',
  AVAILABLE: () => 'available',
};

const tokens = AGENT_GRAPHQL_TOKENS.split(' ');
let asked = 0;
function nextToken() {
  console.log(`token ${++asked}`);
  return tokens[Math.min(asked, tokens.length) - 1];
}

const options = {
  url: AGENT_GRAPHQL_URL,
  token: tokens.length === 1 ? tokens[0] : nextToken,
  graphs,
  concurrency: Number(CONCURRENCY),
  leaseSeconds: Number(LEASE_SECONDS),
  drainSeconds: Number(DRAIN_SECONDS),
  ...(WORKER_NAME && { name: WORKER_NAME }),
  report(report) {
    const line = LINES[report.type]?.(report);
    if (line) console.log(line);
  },
};
try {
  await createWorker(options).run();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
