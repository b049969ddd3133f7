import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pinned } from './cores.ts';
import { ask, ORIGIN } from './requests.ts';
import type { System } from './systems.ts';
import { FIRST_WORK } from './works.ts';

/** A system that answers. */
export interface Running {
  readonly system: System;
  readonly url: string;
  /** Milliseconds from the start to the first answer. */
  readonly startTime: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** How to start a system. */
export interface StartOptions {
  readonly threads: number;
  /** The core to run on; null for any. */
  readonly core: number | null;
  readonly secret: string;
  /** What tokens have as `iss` and `aud`, which all systems insist on. */
  readonly issuer: string;
  readonly audience: string;
  readonly token: string;
  /** The file for its output. */
  readonly logFile: string;
  /** The collector of a traced system's spans. */
  readonly traceEndpoint?: string;
  /** The database with the records. Default: they are in memory. */
  readonly databaseUrl?: string;
  /** Whether to start what users start, without records. Default: false. */
  readonly isBare?: boolean;
}

/** How long a start may take, in milliseconds. Some systems create a million threads. */
const TIMEOUT = 120_000;

/** Starts a system, and waits until it answers the first work. */
export async function startSystem(system: System, options: StartOptions): Promise<Running> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = options.isBare && system.startFile !== undefined ? system.startFile : system.file;
  const path = fileURLToPath(new URL(file, new URL('./', import.meta.url)));
  const [program, ...words] = pinned(options.core, [process.execPath, ...(system.flags ?? []), path]);
  const log = openSync(options.logFile, 'a');
  const started = performance.now();
  const child = spawn(program, words, {
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      NODE_ENV: 'production',
      AUTH_SECRET: options.secret,
      AUTH_ISSUER: options.issuer,
      AUTH_AUDIENCE: options.audience,
      CORS_ORIGINS: ORIGIN,
      BENCH_THREADS: String(options.threads),
      ...(options.traceEndpoint !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: options.traceEndpoint }),
      ...(options.databaseUrl !== undefined && { DATABASE_URL: options.databaseUrl }),
    },
  });
  closeSync(log);
  // The system ends with this process.
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} cannot be started.`);
  while (!(await isAnswering(system, url, options.token))) {
    if (child.exitCode !== null || performance.now() - started > TIMEOUT) {
      throw new Error(`${system.name} has not started; its last output:\n${lastOutput(options.logFile)}`);
    }
    await sleep(1);
  }
  return {
    system,
    url,
    pid,
    startTime: performance.now() - started,
    async stop() {
      const ended = once(child, 'exit');
      kill();
      await ended;
      process.off('exit', kill);
    },
  };
}

async function isAnswering(system: System, url: string, token: string): Promise<boolean> {
  try {
    await ask(system, url, token, FIRST_WORK, FIRST_WORK.variables[0] ?? {});
    return true;
  } catch (error) {
    // `fetch` throws it where nobody listens yet.
    if (error instanceof TypeError) return false;
    throw error;
  }
}

function lastOutput(logFile: string): string {
  return readFileSync(logFile, 'utf8').slice(-2_000);
}

/** A port of 127.0.0.1 that nobody listens at. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}
