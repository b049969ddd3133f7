import type { Identity } from '../auth/identity.ts';
import type { RequestRecord } from '../observability/request-record.ts';

/** The caller of an operation: identity and transport. */
export interface Caller {
  /** The verified token; null without one. */
  readonly identity: Identity | null;
  readonly record: RequestRecord;
  /** Whether mutations are refused: those of GET requests. */
  readonly isReadOnly: boolean;
  readonly accepts: Accepted;
  /** Sets the function that is called when the client goes away; null for none. */
  onDisconnect(listener: (() => void) | null): void;
}

/** The best media type that a client accepts for each kind of response; null where it accepts none. */
export interface Accepted {
  /** For one result. */
  readonly result: ResultType | null;
  /** For a stream of results. A WebSocket has messages of its own. */
  readonly stream: StreamType | 'websocket' | null;
}

/** Media types of one result. */
export type ResultType = 'application/json' | 'application/graphql-response+json';

/** Media types of a stream of results. */
export type StreamType = 'text/event-stream' | 'multipart/mixed';
