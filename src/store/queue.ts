import type { Refusal } from './outcome.ts';
import type { Owner } from './owner.ts';
import type { Assistant, CancelAction, JsonObject, Run, RunStatus } from './records.ts';

/** A request for waiting runs. */
export interface ClaimRequest {
  /** Whether runs of every owner are given, or those of the worker's own alone. */
  readonly allOwners: boolean;
  /** The worker's name. */
  readonly name: string;
  /** 100 at most. */
  readonly graphIds: readonly string[];
  /** 1 to 50. */
  readonly max: number;
  /** 5 to 300. */
  readonly leaseSeconds: number;
  /** How long the caller waits, 0 to 10. The store does not. */
  readonly waitSeconds: number;
}

/** A claimed run, with everything that its worker needs to execute it. */
export interface Claim {
  readonly lease: string;
  /** Seconds until the lease ends. */
  readonly leaseSeconds: number;
  readonly owner: Owner;
  readonly run: Run;
  readonly assistant: Assistant;
  /** The run's input as compact JSON. */
  readonly input: string | null;
  /** The thread's values as compact JSON. */
  readonly values: string | null;
  /** The last checkpoint of the attempts before, as compact JSON. */
  readonly checkpoint: string | null;
  /** Seconds until the run ends with TIMEOUT; null without a limit. */
  readonly secondsLeft: number | null;
}

/** The status of a lease. */
export interface LeaseStatus {
  readonly held: boolean;
  /** Seconds until it ends, rounded down. */
  readonly leaseSeconds: number;
  readonly cancel: CancelAction | null;
  readonly storedEvents: number;
}

/** A lease with its status. */
export interface LeaseState extends LeaseStatus {
  readonly lease: string;
}

/** A request to renew leases. */
export interface HeartbeatRequest {
  /** 100 at most. */
  readonly leases: readonly string[];
  /** 5 to 300. */
  readonly leaseSeconds: number;
  /** How long the call waits before it answers, 0 to 10: no lease ends before. */
  readonly waitSeconds: number;
}

/** Events to append. */
export interface AppendRequest {
  readonly lease: string;
  /** How many events of this claim were sent before these. */
  readonly offset: number;
  /** 100 at most, and 512 KiB. */
  readonly events: readonly {
    readonly type: string;
    /** Default: an empty object. */
    readonly data?: JsonObject | null | undefined;
  }[];
}

/** The result of an append. `lease` is null where the input is invalid; it is there where a limit or a gap refused the events. */
export interface AppendOutcome {
  readonly lease: LeaseState | null;
  readonly refusals: readonly Refusal[];
}

/** A checkpoint to save. */
export interface CheckpointRequest {
  readonly lease: string;
  readonly values: JsonObject;
}

/** The end of an attempt. */
export interface FinishRequest {
  readonly lease: string;
  readonly status: RunStatus;
  readonly output?: JsonObject | null | undefined;
  readonly error?:
    | {
        readonly code: string;
        readonly message: string;
        readonly details?: JsonObject | null | undefined;
      }
    | null
    | undefined;
  readonly interrupt?: JsonObject | null | undefined;
  readonly retry: boolean;
  readonly retryAfterSeconds?: number | null | undefined;
}

/** The result of ending an attempt. */
export interface EndResult {
  readonly accepted: boolean;
  /** The run's status; null where the lease is not genuine, or the run was deleted. */
  readonly status: RunStatus | null;
}
