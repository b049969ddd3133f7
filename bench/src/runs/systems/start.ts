import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../running.ts';
import { type Child, type ChildOptions, startChild } from '../child.ts';
import { type RunsSetting, WORKER_SCOPE } from './system.ts';

/** How long a start may take, in milliseconds. */
const TIMEOUT = 60_000;

/** Starts a server, and waits until it listens. */
export async function startServerChild(
  setting: RunsSetting,
  options: Pick<ChildOptions, 'file' | 'flags' | 'env' | 'cwd'>,
): Promise<{ readonly server: Child; readonly url: string }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = startChild({
    ...options,
    core: setting.serverCore,
    logFile: setting.logFile,
    env: {
      PORT: String(port),
      AUTH_SECRET: setting.secret,
      AUTH_ISSUER: setting.issuer,
      AUTH_AUDIENCE: setting.audience,
      AUTH_WORKER_SCOPE: WORKER_SCOPE,
      ...options.env,
    },
  });
  const started = performance.now();
  while (!(await isListening(url))) {
    if (server.process.exitCode !== null || performance.now() - started > TIMEOUT) {
      throw new Error(`${options.file} has not started.`);
    }
    await delay(20);
  }
  return { server, url };
}

async function isListening(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).text();
    return true;
  } catch {
    return false;
  }
}

/** Starts a process that executes runs once it is told to. */
export async function startWorkerChild(
  setting: RunsSetting,
  kind: string,
  env: Readonly<Record<string, string>>,
): Promise<Child> {
  const worker = startChild({
    file: './workers/worker-process.js',
    words: [kind],
    core: setting.loadCore,
    logFile: setting.logFile,
    env: { WORKER_TOKEN: setting.workerToken, ...env },
  });
  await worker.received('ready');
  return worker;
}
