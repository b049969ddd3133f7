/** The `workerData` of the heartbeat thread. */
export interface HeartbeatData {
  readonly url: string;
  readonly leaseSeconds: number;
  /** The token; null where the thread has to request it. */
  readonly token: string | null;
}

/** A message to the heartbeat thread. */
export type ToHeartbeats =
  | { readonly type: 'add'; readonly leases: readonly string[] }
  | { readonly type: 'remove'; readonly leases: readonly string[] }
  /** The answer to a request for a token: the token, or why there is none. */
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'noToken'; readonly message: string };

/** A message of the heartbeat thread. */
export type FromHeartbeats =
  | { readonly type: 'cancelled'; readonly lease: string }
  | { readonly type: 'lost'; readonly lease: string }
  /** Asks for a token. `refused` is the one that the server did not accept. */
  | { readonly type: 'needsToken'; readonly refused: string | null }
  | { readonly type: 'unavailable'; readonly message: string }
  /** `began` is when the call that has succeeded began, in milliseconds since 1970. */
  | { readonly type: 'available'; readonly began: number };
