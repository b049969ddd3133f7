import type { Child } from '../child.ts';
import type { Job, Token } from '../job.ts';

/** A system that keeps and executes runs. */
export interface RunsSystem {
  readonly name: string;
  /** Creates a run of one of the owners. @returns its id */
  create(job: Job, owner?: number): Promise<string>;
  /** Starts a process that executes runs. Null where the server executes them itself. */
  readonly startWorker: (() => Promise<Child>) | null;
  /**
   * Waits until every end that a worker has reported is stored. @param lastEnd when the last one was reported @returns
   * when it was stored
   */
  settle(lastEnd: number): Promise<number>;
  /** The server's process, where there is one. */
  readonly server: Child | null;
  /** Reads the tokens of a run. Is done when the stream is open. Null where a system has no streams. */
  readonly read: ((id: string, owner: number, listener: ReadListener) => Promise<void>) | null;
  stop(): Promise<void>;
}

/** What a reader of a run gets. */
export interface ReadListener {
  onToken(token: Token): void;
  /** Called when the stream is over. */
  onEnd(): void;
}

/** How many owners the runs of E1 have: this server lets each of them have 50 subscriptions. */
export const OWNERS = 8;

/** What all systems are started with. */
export interface RunsSetting {
  /** The core of servers; null for any. */
  readonly serverCore: number | null;
  /** The core of workers; null for any. */
  readonly loadCore: number | null;
  readonly logFile: string;
  /** A folder for what servers write. */
  readonly folder: string;
  readonly secret: string;
  readonly issuer: string;
  readonly audience: string;
  /** Of the owners. */
  readonly tokens: readonly string[];
  readonly workerToken: string;
}

/** The word in the scope of workers' tokens. */
export const WORKER_SCOPE = 'bench:worker';
