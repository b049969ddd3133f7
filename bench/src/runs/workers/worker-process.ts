import { postMessage, type ToWorker } from '../child.ts';
import { execute, now } from '../job.ts';
import { byHandWorker } from './by-hand.ts';
import { thisServerWorker } from './this-server.ts';
import type { RunsWorker } from './worker.ts';

/**
 * A process that executes runs, by the worker of a system. Waits for the message `run`, so that its start is not
 * measured.
 */
const worker = await workerOf(process.argv[2]);

/** Milliseconds in which ends are counted before they are reported. */
const COUNT_TIME = 5;
let count = 0;
let lastAt = 0;

process.on('message', (message: ToWorker) => {
  if (message.type === 'run') void begin(message.concurrency);
  else void worker.stop().then(() => postMessage({ type: 'stopped' }));
});
for (const end of ['disconnect', 'SIGTERM']) process.once(end, () => process.exit());
postMessage({ type: 'ready' });

async function begin(concurrency: number): Promise<void> {
  await worker.run({
    concurrency,
    execute: (job, emit) =>
      execute(job, { emit, onStart: (latency) => postMessage({ type: 'started', latency }) }),
    onEnd() {
      if (count++ === 0) setTimeout(tell, COUNT_TIME);
      lastAt = now();
    },
  });
}

function tell(): void {
  postMessage({ type: 'ended', count, at: lastAt });
  count = 0;
}

async function workerOf(kind: string | undefined): Promise<RunsWorker> {
  switch (kind) {
    case 'this-server':
      return thisServerWorker();
    case 'by-hand':
      return byHandWorker();
    case 'pg-boss':
      return (await import('./pg-boss.ts')).pgBossWorker();
    case 'graphile':
    case 'graphile-batching': {
      const { graphileWorker } = await import('./graphile.ts');
      return graphileWorker({ isBatching: kind === 'graphile-batching' });
    }
    default:
      throw new Error(`There is no worker ${kind}.`);
  }
}
