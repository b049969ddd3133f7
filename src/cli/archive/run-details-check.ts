import { type OwnedDetail, PAYLOAD_NAMES } from '../../store/archive.ts';
import type { Run } from '../../store/records.ts';
import { badLine } from './archive-error.ts';

/** A detail of a run. */
type RunDetail = Exclude<OwnedDetail, { readonly detail: 'key' }>;

/** What is known of a run before all of its details are read. */
interface RunState {
  /** The line of the run, or of its execution. */
  readonly line: number;
  /** The payloads that were not read yet, by their index in {@link PAYLOAD_NAMES}, a bit for each. */
  payloads: number;
  /** The worker that holds it, until its lease was read. */
  readonly worker: string | null;
  readonly hasEnded: boolean;
  readonly hasExecution: boolean;
  /** The `seq` of its latest event, or of the last one that is not kept any more. */
  seq: number;
  /** The `seq` of its last event. */
  readonly lastSeq: number;
}

/** A run that has nothing. */
const PLAIN = { line: 0, payloads: 0, worker: null, hasExecution: false, seq: 0, lastSeq: 0 };
/** The states of most runs in a file without details: they take no memory of their own. */
const PLAIN_ENDED: RunState = Object.freeze({ ...PLAIN, hasEnded: true });
const PLAIN_ACTIVE: RunState = Object.freeze({ ...PLAIN, hasEnded: false });

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
    const plain = ended === null ? PLAIN_ACTIVE : PLAIN_ENDED;
    const isPlain = payloads === 0 && worker === null;
    this.#runs.set(run.id, isPlain ? plain : { ...plain, line, payloads, worker });
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
        this.#runs.set(id, withExecution(line, run, entry));
        return;
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

function withExecution(
  line: number,
  run: RunState,
  { id, value: { lease, droppedSeq, lastSeq } }: Extract<RunDetail, { readonly detail: 'execution' }>,
): RunState {
  if (run.hasExecution) throw badLine(line, `the execution of the run ${id} is before this one`);
  if (run.hasEnded && lease !== null) throw badLine(line, `the run ${id} has ended, and has a lease`);
  const worker = run.worker === lease?.worker ? null : run.worker;
  return { ...run, line, worker, hasExecution: true, seq: droppedSeq, lastSeq };
}
