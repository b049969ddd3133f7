import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pinned } from '../cores.ts';

/** A message of a process. */
export type FromChild =
  | { readonly type: 'ready' }
  /** Runs have ended, and their ends are stored. `at` is when the last one of them was. */
  | { readonly type: 'ended'; readonly count: number; readonly at: number }
  /** A handler has begun, this many milliseconds after the creation of its run. */
  | { readonly type: 'started'; readonly latency: number }
  | { readonly type: 'stopped' };

/** A message to a worker process. */
export type ToWorker = { readonly type: 'run'; readonly concurrency: number } | { readonly type: 'stop' };

/** A process of the benchmark. */
export interface Child {
  readonly process: ChildProcess;
  /** Calls a function with each later message of the process. Returns the function that removes it. */
  listen(listener: (message: FromChild) => void): () => void;
  /** Waits for a message of a type. Rejects when the process ends before. */
  received(type: FromChild['type']): Promise<void>;
  send(message: ToWorker): void;
  /** Rejects when it ends by itself. */
  readonly crashed: Promise<never>;
  stop(): Promise<void>;
}

/** How to start a process. */
export interface ChildOptions {
  /** Relative to this file. */
  readonly file: string;
  readonly words?: readonly string[];
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The folder that it is started in. Default: this process's. */
  readonly cwd?: string;
  /** Null for any. */
  readonly core: number | null;
  /** The file for its output. */
  readonly logFile: string;
}

/** A folder for profiles of all processes (`node --cpu-prof`), which then end by SIGTERM. Default: none are made. */
const PROFILES = process.env['BENCH_PROFILES'];

/** Starts a process of Node.js, which ends with this one. */
export function startChild({ file, words = [], flags = [], env, cwd, core, logFile }: ChildOptions): Child {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const profiling = PROFILES === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${PROFILES}`];
  const [program, ...rest] = pinned(core, [process.execPath, ...profiling, ...flags, path, ...words]);
  const log = openSync(logFile, 'a');
  const child = spawn(program, rest, {
    stdio: ['ignore', log, log, 'ipc'],
    ...(cwd !== undefined && { cwd }),
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
  });
  closeSync(log);
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  let isStopped = false;
  const crashed = new Promise<never>((_resolve, reject) => {
    child.once('exit', (code) => {
      process.off('exit', kill);
      if (isStopped) return;
      const output = readFileSync(logFile, 'utf8').slice(-2_000);
      reject(new Error(`${file} has ended with ${code}; the last output:\n${output}`));
    });
  });
  // Callers that await it get the error.
  crashed.catch(() => {});

  function listen(listener: (message: FromChild) => void): () => void {
    const onMessage = (message: FromChild): void => listener(message);
    child.on('message', onMessage);
    return () => child.off('message', onMessage);
  }

  return {
    process: child,
    listen,
    crashed,
    send: (message) => void child.send(message),
    received(type) {
      const received = new Promise<void>((resolve) => {
        const unlisten = listen((message) => {
          if (message.type !== type) return;
          unlisten();
          resolve();
        });
      });
      return Promise.race([received, crashed]);
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      isStopped = true;
      const ended = once(child, 'exit');
      if (PROFILES === undefined) kill();
      else child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Sends a message to the benchmark. */
export function postMessage(message: FromChild): void {
  process.send?.(message);
}
