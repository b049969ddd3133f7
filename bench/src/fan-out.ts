import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { cpuTime } from './proc.ts';
import { quantile } from './statistics.ts';

/** Subscribers to open, and changes for them. */
export interface FanOutJob {
  /** How a subscription is asked for. */
  readonly subscription: Call;
  /** How a thread is created: each subscriber of its owner then gets one event. */
  readonly mutation: Call;
  /** A token for each owner. */
  readonly tokens: readonly string[];
  readonly subscribersOfOwner: number;
  readonly seconds: number;
  /** The process that answers. */
  readonly pid: number;
}

/** A POST request without its token. */
export interface Call {
  readonly url: string;
  readonly body: string;
}

/** What came of it: events by the second, and times in milliseconds, from sending the changes to the last subscriber's having its event. */
export interface FanOutResult {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  /** Processor time of the process that answers, in milliseconds an event. */
  readonly cpu: number;
  /** The first event of a subscriber. */
  readonly event: string;
  /** How much of its core the load itself took, from 0 to 1. */
  readonly busy: number;
}

/** How long the last subscriber may take, in milliseconds. */
const PATIENCE = 10_000;
const EVENT = 'event: next\n';

/** Opens all subscriptions, then changes something of each owner and waits for all the events, again and again. */
export async function fanOut(job: FanOutJob): Promise<FanOutResult> {
  const { subscription, mutation, tokens, subscribersOfOwner, seconds, pid } = job;
  const agent = new Agent({ keepAlive: true, maxSockets: tokens.length });
  const wanted = tokens.length * subscribersOfOwner;
  const times: number[] = [];
  let missing = 0;
  let onLast: (() => void) | undefined;
  let event = '';

  function listen(reader: IncomingMessage): void {
    reader.setEncoding('utf8').on('data', (text: string) => {
      const events = count(text, EVENT);
      if (events === 0) return;
      if (event === '') event = text;
      missing -= events;
      if (missing === 0) onLast?.();
    });
  }

  const readers: IncomingMessage[] = [];
  const openings = tokens.map(async (token) => {
    for (let opened = 0; opened < subscribersOfOwner; opened++) {
      const reader = await post(subscription, token, { accept: 'text/event-stream' });
      listen(reader);
      readers.push(reader);
    }
  });
  await Promise.all(openings);

  const started = performance.now();
  const startedServer = cpuTime(pid);
  const startedCpu = process.cpuUsage();
  while (performance.now() - started < seconds * 1_000) {
    missing = wanted;
    const last = deadline((resolve) => (onLast = resolve));
    const sent = performance.now();
    const answers = tokens.map(async (token) => {
      const answer = await post(mutation, token, {}, agent);
      answer.resume();
      await once(answer, 'end');
    });
    await last;
    times.push(performance.now() - sent);
    await Promise.all(answers);
  }
  const elapsed = performance.now() - started;
  const cpu = process.cpuUsage(startedCpu);
  for (const reader of readers) reader.destroy();
  agent.destroy();
  return {
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    perSecond: ((times.length * wanted) / elapsed) * 1_000,
    cpu: (cpuTime(pid) - startedServer) / (times.length * wanted),
    event,
    busy: (cpu.user + cpu.system) / 1_000 / elapsed,
  };
}

async function post(
  { url, body }: Call,
  token: string,
  headers: Record<string, string>,
  agent?: Agent,
): Promise<IncomingMessage> {
  const sent = request(url, {
    method: 'POST',
    // Without one of its own, each subscription would wait for a free connection.
    agent: agent ?? false,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
  });
  sent.end(body);
  return new Promise((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', (response) => {
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`${url} answered with ${response.statusCode}.`));
    });
  });
}

function deadline(start: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('Subscribers have not got their events.')), PATIENCE);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function count(text: string, part: string): number {
  let found = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + part.length)) found++;
  return found;
}
