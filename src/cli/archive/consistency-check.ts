import { type Creation, RESOURCES } from '../../store/change.ts';
import type { Run, RunStatus, ThreadStatus } from '../../store/records.ts';
import { threadStatus } from '../../store/rules/status.ts';
import { badLine } from './archive-error.ts';

/** What is known of a thread before all of its runs are read. */
interface ThreadState {
  readonly line: number;
  readonly status: ThreadStatus;
  /** How many of its runs are pending or running. */
  active: number;
  /** The run that ended last; undefined where none has ended. */
  last: { readonly ended: number; readonly status: RunStatus } | undefined;
  /** The `ended` of all of its runs, where there is more than one. */
  allEnded: Set<number> | undefined;
}

/** Checks the records of one owner against each other, in the order of the file. */
export class ConsistencyCheck {
  readonly #assistants = new Set<string>();
  readonly #threads = new Map<string, ThreadState>();
  readonly #runs = new Set<string>();
  /** The index in {@link RESOURCES} of the latest record. */
  #resource = 0;

  /**
   * Checks a record against those before it.
   * @throws ArchiveError when it contradicts them
   */
  add(line: number, { resource, after }: Creation): void {
    const index = RESOURCES.indexOf(resource);
    if (index < this.#resource) {
      throw badLine(
        line,
        "the record should come earlier: an owner's assistants are first, then threads, then runs",
      );
    }
    this.#resource = index;
    const { id } = after;
    if (this.#assistants.has(id) || this.#threads.has(id) || this.#runs.has(id)) {
      throw badLine(line, `the id ${id} is that of a record before it`);
    }
    switch (resource) {
      case 'assistant':
        this.#assistants.add(id);
        break;
      case 'thread':
        this.#threads.set(id, {
          line,
          status: after.status,
          active: 0,
          last: undefined,
          allEnded: undefined,
        });
        break;
      case 'run':
        this.#addRun(line, after);
        break;
    }
  }

  #addRun(line: number, { id, threadId, assistantId, status, ended }: Run): void {
    this.#runs.add(id);
    const thread = this.#threads.get(threadId);
    if (thread === undefined) throw badLine(line, `the thread of the run ${id} is not before it`);
    if (ended === null) {
      if (!this.#assistants.has(assistantId)) {
        throw badLine(line, `the run ${id} has not ended, and its assistant is not before it`);
      }
      thread.active++;
    } else if (!addEnded(thread, ended, status)) {
      throw badLine(line, `the run ${id} has the same \`ended\` as another run of its thread`);
    }
  }

  /**
   * Checks the statuses of the threads, after the last record.
   * @throws ArchiveError when a thread's status does not follow from its runs
   */
  finish(): void {
    for (const { line, status, active, last } of this.#threads.values()) {
      const expected = threadStatus(active, last);
      if (status !== expected)
        throw badLine(line, `the thread is ${status}, but its runs require ${expected}`);
    }
  }
}

/** Adds a run that has ended. Returns false when another run of the thread has the same `ended`. */
function addEnded(thread: ThreadState, ended: number, status: RunStatus): boolean {
  const { last } = thread;
  if (ended === last?.ended || thread.allEnded?.has(ended) === true) return false;
  if (last !== undefined) (thread.allEnded ??= new Set([last.ended])).add(ended);
  if (last === undefined || ended > last.ended) thread.last = { ended, status };
  return true;
}
