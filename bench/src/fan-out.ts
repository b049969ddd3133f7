import { once } from 'node:events';
import { Agent } from 'node:http';
import type { Length } from './load.ts';
import { cpuTime } from './proc.ts';
import { type Call, openReader, post, type Reader, type Subscription } from './readers.ts';
import { quantile } from './statistics.ts';

/** Subscriptions to open, and changes for them. */
export interface FanOutJob {
  readonly owners: readonly SubscribingOwner[];
  /** Creates a thread: each subscriber of its owner then gets one event. */
  readonly mutation: Call;
  readonly length: Length;
  /** The process that answers. */
  readonly pid: number;
}

/** An owner with its subscribers. */
export interface SubscribingOwner {
  readonly token: string;
  /** What each subscriber asks for. */
  readonly subscriptions: readonly Subscription[];
}

/** The result of a job. Times are in milliseconds, from sending the changes until the last subscriber has its event. */
export interface FanOutResult {
  readonly p50: number;
  readonly p99: number;
  /** Events. */
  readonly perSecond: number;
  /** Processor time of the process that answers, in milliseconds an event. */
  readonly cpu: number;
  /** The first event of a subscriber, as JSON. */
  readonly event: string;
  /** How much of its core the load itself took, from 0 to 1. */
  readonly busy: number;
}

/** How long the last subscriber may take, in milliseconds. */
const TIMEOUT = 30_000;

/** Opens all subscriptions, then changes something of each owner and waits for all the events, again and again. */
export async function fanOut(job: FanOutJob): Promise<FanOutResult> {
  const { owners, mutation, length, pid } = job;
  const agent = new Agent({ keepAlive: true, maxSockets: owners.length });
  const times: number[] = [];
  let events = 0;
  let missing = 0;
  let onLast: (() => void) | undefined;
  let event = '';
  const onEvent = (json: string): void => {
    if (event === '') event = json;
    if (--missing === 0) onLast?.();
  };

  const readers: Reader[] = [];
  async function openAll({ token, subscriptions }: SubscribingOwner): Promise<void> {
    for (const subscription of subscriptions) readers.push(await openReader(subscription, token, onEvent));
  }

  async function change(): Promise<void> {
    missing = readers.length;
    const last = deadline((resolve) => (onLast = resolve));
    const answers = owners.map(async ({ token }) => {
      const answer = await post(mutation, token, {}, agent);
      answer.resume();
      await once(answer, 'end');
    });
    await last;
    events += readers.length;
    await Promise.all(answers);
  }

  try {
    await Promise.all(owners.map(openAll));
    const started = performance.now();
    const startedServer = cpuTime(pid);
    const startedCpu = process.cpuUsage();
    const isOver = (): boolean =>
      'amount' in length ? events >= length.amount : performance.now() - started >= length.seconds * 1_000;
    while (!isOver()) {
      const sent = performance.now();
      await change();
      times.push(performance.now() - sent);
    }
    const elapsed = performance.now() - started;
    const cpu = process.cpuUsage(startedCpu);
    return {
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      perSecond: (events / elapsed) * 1_000,
      cpu: (cpuTime(pid) - startedServer) / events,
      event,
      busy: (cpu.user + cpu.system) / 1_000 / elapsed,
    };
  } finally {
    for (const reader of readers) reader.close();
    agent.destroy();
  }
}

function deadline(start: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('Subscribers have not got their events.')), TIMEOUT);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
