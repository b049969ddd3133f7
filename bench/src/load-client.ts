import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pinned } from './cores.ts';
import type { FanOutJob, FanOutResult } from './fan-out.ts';
import type { Job, LoadResult } from './load.ts';
import type { Answer, Question } from './load-process.ts';

/** The process that makes the load. */
export interface LoadClient {
  load(job: Job): Promise<LoadResult>;
  fanOut(job: FanOutJob): Promise<FanOutResult>;
  stop(): void;
}

/** Starts the process that makes the load. @param core null for any */
export function startLoadClient(core: number | null): LoadClient {
  const file = fileURLToPath(new URL('./load-process.js', import.meta.url));
  const [program, ...words] = pinned(core, [process.execPath, file]);
  const child = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.once('exit', (code) => {
    if (code !== 0) throw new Error(`The process that makes the load has ended with ${code}.`);
  });
  return {
    async load(job) {
      const answer = await askFor(child, { kind: 'load', job });
      if (answer.kind !== 'load') throw unexpected(answer);
      return answer.result;
    },
    async fanOut(job) {
      const answer = await askFor(child, { kind: 'fan out', job });
      if (answer.kind !== 'fan out') throw unexpected(answer);
      return answer.result;
    },
    stop: () => child.disconnect(),
  };
}

function askFor(child: ChildProcess, question: Question): Promise<Answer> {
  child.send(question);
  return new Promise((resolve) => child.once('message', (answer: Answer) => resolve(answer)));
}

function unexpected(answer: Answer): Error {
  return new Error(answer.kind === 'error' ? answer.message : 'Another question was answered.');
}
