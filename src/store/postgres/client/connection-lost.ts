/** The connection was lost, or could not be opened. */
export class ConnectionLost extends Error {
  override readonly name: string = 'ConnectionLost';
  readonly code = 'CONNECTION_CLOSED';
}

/** The server is a standby, and only a primary will do. */
export class StandbyError extends ConnectionLost {
  override readonly name = 'StandbyError';
}
