import autocannon, { type Options, type Request, type Result } from 'autocannon';
import { cpuTime } from './proc.ts';
import { headersFor, withUnique } from './requests.ts';
import { quantile } from './statistics.ts';
import { UNIQUE } from './works.ts';

/** Requests to send over and over, for some time. */
export interface Job {
  readonly url: string;
  readonly token: string;
  /** Taken in turn by each connection. */
  readonly requests: readonly { readonly path: string; readonly body: string }[];
  readonly length: Length;
  /** The process that answers. */
  readonly pid: number;
}

/** How long a job takes: by time, or by the number of answers or events. */
export type Length = { readonly seconds: number } | { readonly amount: number };

/** The result of a job. Times are in milliseconds. */
export interface LoadResult {
  readonly answers: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Processor time of the process that answers, in milliseconds an answer. */
  readonly cpu: number;
  /** How much of its core the load itself took, from 0 to 1. */
  readonly busy: number;
}

const CONNECTIONS = 16;

/** Sends the requests by autocannon. Rejects unless all are answered with a status of 2xx. */
export async function load({ url, token, requests, length, pid }: Job): Promise<LoadResult> {
  const headers = headersFor(token);
  const started = performance.now();
  const startedCpu = process.cpuUsage();
  const startedServer = cpuTime(pid);
  let last = started;
  // Its own histograms count whole milliseconds.
  const times: number[] = [];
  const options = {
    url,
    connections: CONNECTIONS,
    ...('seconds' in length ? { duration: length.seconds } : { amount: length.amount }),
    sampleInt: 50,
    requests: requests.map((request) => ({
      ...request,
      method: 'POST' as const,
      headers,
      // autocannon builds the others once.
      ...(request.body.includes(UNIQUE) && {
        setupRequest: (one: Request) => ({ ...one, body: withUnique(request.body) }),
      }),
    })),
  };
  const { statusCodeStats, non2xx, errors, timeouts } = await run(options, (time) => {
    times.push(time);
    last = performance.now();
  });
  if (non2xx + errors + timeouts > 0) {
    const statuses = JSON.stringify(statusCodeStats);
    throw new Error(`There were answers with ${statuses}, and ${errors + timeouts} requests without one.`);
  }
  const cpu = process.cpuUsage(startedCpu);
  const elapsed = last - started;
  return {
    answers: times.length,
    perSecond: (times.length / elapsed) * 1_000,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    cpu: (cpuTime(pid) - startedServer) / times.length,
    busy: (cpu.user + cpu.system) / 1_000 / elapsed,
  };
}

function run(options: Options, onAnswer: (milliseconds: number) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    const running = autocannon(options, (error: unknown, result) => {
      if (error instanceof Error) reject(error);
      else resolve(result);
    });
    running.on('response', (_client, _status, _bytes, time) => onAnswer(time));
  });
}
