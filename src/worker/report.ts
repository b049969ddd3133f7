import { errorMessage } from '../lib/error-message.ts';

interface RunOfReport {
  readonly runId: string;
  readonly graphId: string;
  readonly attempt: number;
}

/** An event of a worker, for its log. */
export type WorkerReport =
  | { readonly type: 'STARTED'; readonly url: string; readonly graphIds: readonly string[] }
  /** The server does not answer. Calls are sent again until it does; this is reported once. */
  | { readonly type: 'UNAVAILABLE'; readonly message: string }
  | { readonly type: 'AVAILABLE' }
  | ({ readonly type: 'CLAIMED' } & RunOfReport)
  /** An attempt has ended. `status` is the run's: RUNNING when it is tried again. */
  | ({ readonly type: 'ENDED'; readonly status: string } & RunOfReport)
  /** A handler has failed. */
  | ({ readonly type: 'FAILED'; readonly error: unknown } & RunOfReport)
  /** The worker has lost the run's lease. */
  | ({ readonly type: 'LOST' } & RunOfReport)
  /** The run has returned to the queue. */
  | ({ readonly type: 'RELEASED' } & RunOfReport)
  /** The server accepts no more events of the run, which continues. */
  | ({ readonly type: 'EVENTS_REFUSED'; readonly message: string } & RunOfReport)
  /** The worker takes no more runs, and waits for those that it has. */
  | { readonly type: 'SHUTDOWN'; readonly runs: number };

/** A function that prints reports to standard error, a line each. @param name the worker's */
export function printReport(name: string): (report: WorkerReport) => void {
  return (report) => {
    const line = lineOf(report);
    if (line !== null) console.error(`${name}: ${line}`);
  };
}

/** A function that reports, and prints what goes wrong with it: neither the runs nor the worker end by that. */
export function safeReport(report: (report: WorkerReport) => unknown): (report: WorkerReport) => void {
  return (value) => {
    try {
      Promise.resolve(report(value)).catch(printFailure);
    } catch (error) {
      printFailure(error);
    }
  };
}

function printFailure(error: unknown): void {
  console.error(`The worker's \`report\` has failed: ${errorMessage(error)}`);
}

function lineOf(report: WorkerReport): string | null {
  switch (report.type) {
    case 'STARTED':
      return `executes runs of ${report.graphIds.join(', ')} at ${report.url}`;
    case 'UNAVAILABLE':
      return `the server is unavailable, and is tried again: ${report.message}`;
    case 'AVAILABLE':
      return 'the server is available again';
    case 'SHUTDOWN':
      return `shutting down, with ${report.runs} runs to finish`;
    case 'CLAIMED':
      return null;
    default:
      return `run ${report.runId} of ${report.graphId}, attempt ${report.attempt}: ${detailOf(report)}`;
  }
}

function detailOf(report: WorkerReport): string {
  switch (report.type) {
    case 'ENDED':
      return report.status;
    case 'FAILED':
      return (report.error instanceof Error && report.error.stack) || errorMessage(report.error);
    case 'EVENTS_REFUSED':
      return report.message;
    default:
      return report.type;
  }
}
