import type { Owner } from './owner.ts';
import type { CancelAction, Run, RunStatus } from './records.ts';

/** The execution state of a run: its lease, counters and reported end. Stored beside the record, and never published. */
export interface Execution {
  /** How often the run was claimed, releases included. It is the fencing token of the leases. */
  readonly claims: number;
  /** The latest lease, which may have ended. Null before the first claim, and once its attempt was ended or given back. */
  readonly lease: Lease | null;
  /** How many events of the latest claim are stored. */
  readonly storedEvents: number;
  /** How many events workers have sent, over all claims, and their bytes. */
  readonly sentEvents: number;
  readonly sentBytes: number;
  /** The `seq` of the run's last event; 0 where there is none. */
  readonly lastSeq: number;
  /** The events up to this `seq` are not kept any more; 0 where all are. */
  readonly droppedSeq: number;
  /** What is to be done with the checkpoint of a run whose cancellation was requested. */
  readonly cancelAction: CancelAction | null;
  /** The end that the latest claim reported. Null until it has. */
  readonly reported: ReportedEnd | null;
}

/** The right of a worker to execute a run until a time. */
export interface Lease {
  /** The owner that the worker's token names. */
  readonly holder: Owner;
  /** The worker's name. */
  readonly worker: string;
  /** How long each call renews it, in seconds. */
  readonly seconds: number;
  /** In milliseconds since 1970, by the clock of the store. */
  readonly endsAt: number;
}

/** The end that a worker reported. It is stored so that a repeated call gets the same response. */
export interface ReportedEnd {
  /** The digest of the call's input. */
  readonly digest: string;
  /** The status of the run after it. */
  readonly status: RunStatus;
}

/** The execution of a run that was never claimed. */
export const NO_EXECUTION: Execution = Object.freeze({
  claims: 0,
  lease: null,
  storedEvents: 0,
  sentEvents: 0,
  sentBytes: 0,
  lastSeq: 0,
  droppedSeq: 0,
  cancelAction: null,
  reported: null,
});

/** The payloads of a run, each as compact JSON of an object; null where there is none. */
export interface RunPayloads {
  readonly input: string | null;
  readonly output: string | null;
  readonly checkpoint: string | null;
}

/** The payloads of a run that has none. */
export const NO_PAYLOADS: RunPayloads = Object.freeze({ input: null, output: null, checkpoint: null });

/** An event of a run. */
export interface RunEvent {
  /** Its position among the run's events, from 1, without gaps. */
  readonly seq: number;
  readonly attempt: number;
  readonly type: string;
  /** Compact JSON of an object. */
  readonly data: string;
  /** When it was stored. */
  readonly at: string;
}

/** An event as a worker sends it, checked. */
export interface SentEvent {
  readonly type: string;
  /** Compact JSON of an object. */
  readonly data: string;
}

/** A run with its execution. */
export interface RunState {
  readonly run: Run;
  readonly execution: Execution;
}

/** A step of a run's state machine (see `rules/execution/state.ts`): the new state, and what is stored with it in one transaction. */
export interface RunStep extends RunState {
  /** The events that it appends. */
  readonly events: readonly RunEvent[];
  readonly payloads: PayloadChange | null;
}

/** Changes of a run's payloads; undefined stays as it is. */
export interface PayloadChange {
  /** `{ copy: 'checkpoint' }`: the checkpoint that is stored. */
  readonly output?: string | { readonly copy: 'checkpoint' } | undefined;
  readonly checkpoint?: string | null | undefined;
}

/** Events that were stored, and the run right after that. */
export interface AppendedEvents {
  readonly run: Run;
  /** In order, without gaps. Empty where they have to be read from the store. */
  readonly events: readonly RunEvent[];
}

/** A part of a run's events. */
export interface EventPage {
  readonly run: Run;
  /** In order, without gaps. */
  readonly events: readonly RunEvent[];
  /** The asked-for events up to this `seq` are not kept any more; null where none is missing. */
  readonly missedUpTo: number | null;
  /** The `seq` of the run's last event, which may not be readable yet; 0 where there is none. */
  readonly lastSeq: number;
}

/** A run whose events are followed. */
export interface FollowedRun {
  readonly owner: Owner;
  readonly id: string;
  /** The `seq` up to which its readers know of events: the least, where they differ. */
  readonly knownSeq: number;
}
