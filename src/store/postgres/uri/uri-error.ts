/** A connection URI that cannot be used. The message continues after the name of the variable, and quotes no value. */
export class ConnectionUriError extends Error {
  override readonly name = 'ConnectionUriError';
}

/** @throws ConnectionUriError about a parameter. @param rule what is accepted, or what to do instead */
export function refuseParameter(keyword: string, rule: string): never {
  throw new ConnectionUriError(`must not have this ${keyword}: ${rule}`);
}
