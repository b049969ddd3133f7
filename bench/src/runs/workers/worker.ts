import type { Job, JobContext } from '../job.ts';

/** A worker of a system, in a process of its own. */
export interface RunsWorker {
  /** Begins to execute runs. */
  run(options: WorkerOptions): Promise<void>;
  /** Executes no more runs. */
  stop(): Promise<void>;
}

/** What a worker is to do. */
export interface WorkerOptions {
  /** How many runs are executed at once. */
  readonly concurrency: number;
  readonly execute: (job: Job, emit: JobContext['emit']) => Promise<void>;
  /** Called when the end of a run is stored. */
  readonly onEnd: () => void;
}
