// A worker in plain fetch, for Node.js 20 and later. It executes runs of assistants whose graph is `echo`: they say the
// words of a text, or ask a person. docs/runs.md explains each call.
//
//   export AGENT_GRAPHQL_TOKEN=$(npm run -s token -- --worker worker-1)
//   node examples/worker.mjs
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const { AGENT_GRAPHQL_URL = 'http://localhost:4000/graphql', AGENT_GRAPHQL_TOKEN } = process.env;
const WORKER = `echo-${process.pid}`;
const RUNS_AT_ONCE = 4;
const LEASE = { leaseSeconds: Number(process.env.LEASE_SECONDS ?? 30) };

/** Ends of an attempt after which another attempt follows. */
const RELEASED = { status: 'RELEASED' };
const LOST = { status: 'LOST' };

const shutdown = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => shutdown.abort());
/** Stops all runs that are being executed. */
const release = new AbortController();

/** The graph: returns how the run ends. `say` and `save` throw when it is to stop. */
async function echo({ runId, input, values, checkpoint, resumes }, say, save) {
  // Front ends send messages and answers, and what is their own as `forwardedProps`: see docs/front-ends.md.
  const { messages, resume, forwardedProps, ...given } = input ?? {};
  const {
    text = messages?.at(-1)?.content ?? '',
    ask,
    answer = resume?.[0]?.payload,
    wordMilliseconds = 50,
  } = { ...given, ...forwardedProps };
  // The answer comes in another run of the thread, which is given the output of this one as `values`.
  if (ask) return { status: 'INTERRUPTED', interrupt: { question: ask }, output: { question: ask } };
  const words = (resumes ? `${values?.question} ${answer}` : text).split(' ');
  // Work before the checkpoint is not repeated; work after it is, so readers start again from the snapshot.
  const said = checkpoint ? checkpoint.text.split(' ') : [];
  if (checkpoint) await say({ type: 'STATE_SNAPSHOT', data: { snapshot: checkpoint } });
  const message = { messageId: runId };
  await say({ type: 'TEXT_MESSAGE_START', data: { ...message, role: 'assistant' } });
  if (checkpoint)
    await say({ type: 'TEXT_MESSAGE_CONTENT', data: { ...message, delta: `${checkpoint.text} ` } });
  while (said.length < words.length) {
    await sleep(wordMilliseconds);
    const word = words[said.length];
    await say({ type: 'TEXT_MESSAGE_CONTENT', data: { ...message, delta: `${word} ` } });
    said.push(word);
    if (said.length % 10 === 0) await save({ text: said.join(' ') });
  }
  await say({ type: 'TEXT_MESSAGE_END', data: message });
  return { status: 'SUCCESS', output: { text: words.join(' ') } };
}

async function execute(claim) {
  const { lease, runId, attempt } = claim;
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, release.signal]);
  let offset = 0;

  function check({ held, cancel }) {
    if (!held) stop.abort(LOST);
    else if (cancel) stop.abort({ status: 'CANCELLED' });
    signal.throwIfAborted();
  }
  async function say(...events) {
    const input = { lease, offset, events };
    check((await call('appendRunEvents', 'lease { held cancel }', input, signal)).lease);
    offset += events.length;
  }
  async function save(values) {
    check((await call('checkpointRun', 'lease { held cancel }', { lease, values }, signal)).lease);
  }
  /**
   * Renews the lease, however long a step of the graph takes. The server answers a waiting heartbeat at once when the
   * run is cancelled.
   */
  async function heartbeat() {
    for (;;) {
      const input = { leases: [lease], ...LEASE, waitSeconds: 5 };
      check((await call('heartbeatRuns', 'leases { held cancel }', input, signal)).leases[0]);
    }
  }

  async function finish(end) {
    return (await call('finishRun', 'status', { lease, ...end })).status;
  }

  const end = await Promise.race([echo(claim, say, save), heartbeat()]).catch((error) =>
    signal.aborted ? signal.reason : failure(error),
  );
  stop.abort(end);
  let { status } = end;
  if (end === RELEASED) await call('releaseRuns', 'leases { held }', { leases: [lease] });
  else if (end !== LOST) status = await finish(end).catch((error) => finish(failure(error)));
  console.log(`run ${runId}, attempt ${attempt}: ${status}`);
}

/** The end of an attempt that failed, and may be tried again. */
function failure(error) {
  const message = String(error).slice(0, 1_000);
  return { status: 'ERROR', error: { code: 'WORKER_ERROR', message }, retry: true };
}

/** Sends a mutation, with retries while the server is unavailable: the server stores nothing twice. */
async function call(name, selection, input, signal) {
  const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
  const query = `mutation($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { message } } }`;
  for (let pause = 250; ; pause = Math.min(2 * pause, 10_000)) {
    signal?.throwIfAborted();
    const result = await post({ query, variables: { input } }, signal);
    const { userErrors: [userError] = [], ...payload } = result.data?.[name] ?? {};
    if (userError) throw new Error(`${name}: ${userError.message}`);
    if (result.data) return payload;
    if (!result.isTemporary) throw new Error(`${name}: ${result.message}`);
    if (shutdown.signal.aborted) throw new Error(`${name}: ${result.message}. Leases end by themselves.`);
    // With jitter, so that many workers do not retry at the same moment.
    await sleep(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
  }
}

async function post(body, signal) {
  const timeout = AbortSignal.timeout(20_000);
  try {
    const response = await fetch(AGENT_GRAPHQL_URL, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${AGENT_GRAPHQL_TOKEN}` },
      body: JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const { data, errors } = await response.json();
    const isTemporary = response.status >= 500 || response.status === 429 || response.status === 408;
    return { data, isTemporary, message: errors?.[0]?.message };
  } catch (error) {
    return { isTemporary: true, message: String(error.cause ?? error) };
  }
}

/** Claims runs, as many as may be executed at once. */
async function work() {
  const selection = 'claims { lease runId attempt input values checkpoint resumes }';
  const running = new Set();
  const isShutDown = once(shutdown.signal, 'abort');
  while (!shutdown.signal.aborted) {
    const input = {
      worker: WORKER,
      graphIds: ['echo'],
      max: RUNS_AT_ONCE - running.size,
      ...LEASE,
      waitSeconds: 5,
    };
    const { claims } = await call('claimRuns', selection, input);
    for (const claim of claims) {
      const run = execute(claim).finally(() => running.delete(run));
      running.add(run);
    }
    if (running.size === RUNS_AT_ONCE) await Promise.race([...running, isShutDown]);
  }
  // Only after the last claim has responded: it would claim the released runs.
  release.abort(RELEASED);
  await Promise.all(running);
}

console.log(`${WORKER} executes runs of the graph "echo" at ${AGENT_GRAPHQL_URL}`);
await work();
