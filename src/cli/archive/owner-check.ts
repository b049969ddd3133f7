import { RESOURCES } from '../../store/change.ts';
import type { Run, RunStatus, Thread, ThreadStatus } from '../../store/records.ts';
import { threadStatus } from '../../store/rules/status.ts';
import type { Creation } from '../../store/rules/stored.ts';
import { badLine } from './archive-error.ts';
import { IdTable } from './id-table.ts';

/** What is kept of a thread until all of its runs are known. */
interface ThreadState {
  readonly line: number;
  readonly status: ThreadStatus;
  /** How many runs are pending or running. */
  active: number;
  /** The place of the last end of its runs, 0 where none has ended, and the status of that run. */
  lastEnd: number;
  lastStatus: RunStatus | null;
  /** The places of all ends, where there is more than one. */
  ends: Set<number> | null;
}

/** Checks the records of one owner against each other. Of each it keeps a few bytes. */
export class OwnerCheck {
  /** The ids of all records, in the order in which they come. */
  readonly #ids = new IdTable();
  /** How many of the ids are assistants'; those of threads follow. */
  #assistants = 0;
  readonly #threads: ThreadState[] = [];
  #kind = 0;

  /**
   * Checks a record against those before it.
   * @throws ArchiveError
   */
  add(line: number, { resource, after }: Creation): void {
    const kind = RESOURCES.indexOf(resource);
    if (kind < this.#kind) {
      throw badLine(
        line,
        "the record should come earlier: an owner's assistants are first, then threads, then runs",
      );
    }
    this.#kind = kind;
    if (!this.#ids.add(after.id)) throw badLine(line, `the id ${after.id} is that of a record before it`);
    if (resource === 'assistant') this.#assistants++;
    else if (resource === 'thread') this.#addThread(line, after);
    else this.#addRun(line, after);
  }

  #addThread(line: number, { status }: Thread): void {
    this.#threads.push({ line, status, active: 0, lastEnd: 0, lastStatus: null, ends: null });
  }

  #addRun(line: number, { id, threadId, assistantId, status, ended }: Run): void {
    const thread = this.#threads[this.#ids.numberOf(threadId) - this.#assistants];
    if (thread === undefined) throw badLine(line, `the thread of the run ${id} is not before it`);
    if (ended === null) {
      const assistant = this.#ids.numberOf(assistantId);
      if (assistant < 0 || assistant >= this.#assistants) {
        throw badLine(line, `the run ${id} has not ended, and its assistant is not before it`);
      }
      thread.active++;
    } else if (!addEnd(thread, ended, status)) {
      throw badLine(line, `the run ${id} ended at the same place as another run of its thread`);
    }
  }

  /**
   * Checks what all records together must keep, once there are no more.
   * @throws ArchiveError
   */
  finish(): void {
    for (const { line, status, active, lastStatus } of this.#threads) {
      const follows = threadStatus(active, lastStatus === null ? undefined : { status: lastStatus });
      if (status !== follows) throw badLine(line, `the thread is ${status}, and its runs say ${follows}`);
    }
  }
}

/** Adds the end of a run. @returns whether no other one has its place */
function addEnd(thread: ThreadState, ended: number, status: RunStatus): boolean {
  if (ended === thread.lastEnd || thread.ends?.has(ended) === true) return false;
  if (thread.lastEnd > 0) (thread.ends ??= new Set([thread.lastEnd])).add(ended);
  if (ended > thread.lastEnd) [thread.lastEnd, thread.lastStatus] = [ended, status];
  return true;
}
