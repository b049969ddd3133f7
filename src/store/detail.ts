import type { AppendedEvents, Execution, RunPayloads } from './execution.ts';
import type { Change, ShownPayloads } from './change.ts';

/** A stored idempotency key. */
export interface KeyRecord {
  /** The id of the record that was created with the key. */
  readonly recordId: string;
  /** The digest of the input that it was created from. */
  readonly digest: string;
}

/** A change of data that is stored beside a record and never published. Null is none. */
export type Detail =
  | {
      readonly kind: 'execution';
      /** The id of the run. */
      readonly id: string;
      readonly before: Execution | null;
      readonly after: Execution | null;
    }
  | {
      readonly kind: 'payloads';
      /** The id of the run. */
      readonly id: string;
      readonly before: RunPayloads | null;
      readonly after: RunPayloads | null;
    }
  | {
      readonly kind: 'key';
      /** The kind of resource and the digest of the idempotency key: see `keyId`. */
      readonly id: string;
      readonly before: KeyRecord | null;
      readonly after: KeyRecord | null;
    };

/** The id of an idempotency key among those of its owner. */
export function keyId(resource: Change['resource'], key: string): string {
  return `${resource} ${key}`;
}

/** A change of the events of a run. */
export interface EventChange {
  readonly runId: string;
  /** The events to append; null where all of the run's are deleted. */
  readonly appended: AppendedEvents | null;
}

/** Everything that one mutation changes. */
export interface Mutation {
  readonly changes: readonly Change[];
  readonly details: readonly Detail[];
  readonly events: readonly EventChange[];
}

/** A mutation that was applied. */
export interface AppliedMutation extends Mutation {
  readonly payloads: ShownPayloads;
}
