import { DETAILS, type OwnedDetail } from '../../store/archive.ts';
import { type Creation, RESOURCES } from '../../store/change.ts';
import { keyId } from '../../store/detail.ts';
import type { Run, RunStatus, ThreadStatus } from '../../store/records.ts';
import { threadStatus } from '../../store/rules/status.ts';
import { badLine } from './archive-error.ts';
import { RunDetailsCheck } from './run-details-check.ts';

/** What is known of a thread before all of its runs are read. */
interface ThreadState {
  readonly line: number;
  readonly status: ThreadStatus;
  readonly valuesRunId: string | null;
  /** The run that ended last with an output. */
  lastWithOutput: { readonly ended: number; readonly id: string } | undefined;
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
  readonly #runs = new RunDetailsCheck();
  /** The ids of the idempotency keys. */
  readonly #keys = new Set<string>();
  /** The index in {@link RESOURCES}, followed by {@link DETAILS}, of the latest line. */
  #kind = 0;

  /**
   * Checks a record against those before it.
   * @throws ArchiveError when it contradicts them
   */
  add(line: number, { resource, after }: Creation): void {
    const index = RESOURCES.indexOf(resource);
    if (index < this.#kind) {
      throw badLine(
        line,
        "the record should come earlier: an owner's assistants are first, then threads, then runs",
      );
    }
    this.#kind = index;
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
          valuesRunId: after.valuesRunId,
          lastWithOutput: undefined,
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

  /**
   * Checks a detail against the records before it.
   * @throws ArchiveError when it contradicts them
   */
  addDetail(line: number, entry: OwnedDetail): void {
    const index = RESOURCES.length + DETAILS.indexOf(entry.detail);
    if (index < this.#kind) {
      throw badLine(
        line,
        `the ${entry.detail} should come earlier: ${DETAILS.join(', ')} come after the runs`,
      );
    }
    this.#kind = index;
    if (entry.detail === 'key') this.#addKey(line, entry);
    else this.#runs.addDetail(line, entry);
  }

  #addKey(line: number, { id, value: { recordId } }: Extract<OwnedDetail, { readonly detail: 'key' }>): void {
    if (this.#keys.has(id)) throw badLine(line, `the key ${id} is that of a line before it`);
    this.#keys.add(id);
    const records = { assistant: this.#assistants, thread: this.#threads, run: this.#runs };
    const resource = RESOURCES.find((name) => id.startsWith(keyId(name, '')));
    if (resource !== undefined && records[resource].has(recordId)) return;
    throw badLine(line, `the record ${recordId} of the key is not before it`);
  }

  #addRun(line: number, run: Run): void {
    const { id, threadId, assistantId, status, ended } = run;
    this.#runs.add(line, run);
    const thread = this.#threads.get(threadId);
    if (thread === undefined) throw badLine(line, `the thread of the run ${id} is not before it`);
    if (ended === null) {
      if (!this.#assistants.has(assistantId)) {
        throw badLine(line, `the run ${id} has not ended, and its assistant is not before it`);
      }
      thread.active++;
    } else if (!addEnded(thread, ended, status)) {
      throw badLine(line, `the run ${id} has the same \`ended\` as another run of its thread`);
    } else if (run.hasOutput && ended > (thread.lastWithOutput?.ended ?? 0)) {
      thread.lastWithOutput = { ended, id };
    }
  }

  /**
   * Checks what follows from all lines of the owner, after the last one.
   * @throws ArchiveError when a thread does not follow from its runs, or a detail is missing
   */
  finish(): void {
    this.#runs.finish();
    for (const { line, status, active, last, valuesRunId, lastWithOutput } of this.#threads.values()) {
      if (valuesRunId !== (lastWithOutput?.id ?? null)) {
        throw badLine(line, 'the thread has the values of another run than its runs require');
      }
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
