import { createWorker, type Worker } from '../../../../dist/worker/create-worker.js';
import { GRAPH } from '../graph.ts';
import { readJob, TOKEN_TYPE } from '../job.ts';
import type { RunsWorker } from './worker.ts';

/** The worker library of this server, with its defaults. */
export function thisServerWorker(): RunsWorker {
  let worker: Worker | null = null;
  let running: Promise<void> = Promise.resolve();
  return {
    async run({ concurrency, execute, onEnd }) {
      worker = createWorker({
        url: `${process.env['SERVER_URL']}/graphql`,
        token: process.env['WORKER_TOKEN'] ?? '',
        concurrency,
        graphs: {
          [GRAPH]: (run) => execute(readJob(run.input), (token) => run.emit(TOKEN_TYPE, { ...token })),
        },
        report(report) {
          if (report.type === 'ENDED') onEnd();
          else if (report.type === 'FAILED' || report.type === 'UNAVAILABLE') console.error(report);
        },
      });
      running = worker.run();
    },
    async stop() {
      await worker?.drain();
      await running;
    },
  };
}
