import type { AppendedEvents, Execution, RunPayloads } from './execution.ts';
import type { Change } from './change.ts';

/** What an idempotency key made. */
export interface KeyRecord {
  /** The id of the record that the key made. */
  readonly recordId: string;
  /** The digest of its input. */
  readonly digest: string;
}

/** The change of something that belongs to a record and is never published. Null is none. */
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

/** What happens to the events of a run. */
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
