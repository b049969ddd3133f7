import { type OwnedDetail, PAYLOAD_NAMES } from '../../store/archive.ts';
import type { Run } from '../../store/records.ts';
import { badLine } from './archive-error.ts';

/** A detail of a run. */
type RunDetail = Exclude<OwnedDetail, { readonly detail: 'key' }>;

/** What is known of a run before all of its details are read. */
interface RunState {
  /** The line of the run, or of its execution. */
  line: number;
  /** The payloads that were not read yet, by their index in {@link PAYLOAD_NAMES}, a bit for each. */
  payloads: number;
  /** The worker that holds it, until its lease was read. */
  worker: string | null;
  readonly hasEnded: boolean;
  hasExecution: boolean;
  /** The `seq` of its latest event, or those that are not kept any more. */
  seq: number;
  /** The `seq` of its last event. */
  lastSeq: number;
}

/** Checks the details of one owner's runs against the runs and each other, in the order of the file. */
export class RunDetailsCheck {
  readonly #runs = new Map<string, RunState>();

  /** Whether there is such a run. */
  has(id: string): boolean {
    return this.#runs.has(id);
  }

  /** Adds a run. */
  add(line: number, run: Run): void {
    const has = { input: run.hasInput, output: run.hasOutput, checkpoint: run.hasCheckpoint };
    const payloads = PAYLOAD_NAMES.reduce((bits, name, index) => (has[name] ? bits | (1 << index) : bits), 0);
    const { worker, ended } = run;
    const hasEnded = ended !== null;
    this.#runs.set(run.id, { line, payloads, worker, hasEnded, hasExecution: false, seq: 0, lastSeq: 0 });
  }

  /**
   * Checks a detail of a run.
   * @throws ArchiveError when it contradicts the lines before it
   */
  addDetail(line: number, entry: RunDetail): void {
    const { id, detail } = entry;
    const run = this.#runs.get(id);
    if (run === undefined) throw badLine(line, `the run ${id} of the ${detail} is not before it`);
    switch (detail) {
      case 'execution':
        return addExecution(line, run, entry);
      case 'payload': {
        const bit = 1 << PAYLOAD_NAMES.indexOf(entry.name);
        if ((run.payloads & bit) === 0) {
          throw badLine(line, `the run ${id} has no ${entry.name}, or it is before this one`);
        }
        run.payloads &= ~bit;
        return;
      }
      case 'event': {
        const expected = run.seq + 1;
        if (expected > run.lastSeq) throw badLine(line, `the run ${id} has no events after ${run.lastSeq}`);
        if (entry.value.seq !== expected) {
          throw badLine(line, `the event ${expected} of the run ${id} should be here`);
        }
        run.seq = expected;
      }
    }
  }

  /**
   * Checks what follows from all lines.
   * @throws ArchiveError when a detail is missing
   */
  finish(): void {
    for (const [id, { line, payloads, worker, seq, lastSeq }] of this.#runs) {
      if (worker !== null) throw badLine(line, `the run ${id} has a worker, and that has no lease`);
      const missing = PAYLOAD_NAMES.find((_, index) => (payloads & (1 << index)) !== 0);
      if (missing !== undefined) throw badLine(line, `the ${missing} of the run ${id} is missing`);
      if (seq !== lastSeq) throw badLine(line, `the events of the run ${id} end with ${seq}, not ${lastSeq}`);
    }
  }
}

function addExecution(
  line: number,
  run: RunState,
  { id, value: { lease, droppedSeq, lastSeq } }: Extract<RunDetail, { readonly detail: 'execution' }>,
): void {
  if (run.hasExecution) throw badLine(line, `the execution of the run ${id} is before this one`);
  if (run.hasEnded && lease !== null) throw badLine(line, `the run ${id} has ended, and has a lease`);
  if (run.worker === lease?.worker) run.worker = null;
  run.line = line;
  run.hasExecution = true;
  run.seq = droppedSeq;
  run.lastSeq = lastSeq;
}
