/** What determines which tokens the GraphiQL page contains. */
export interface PageOwnerRules {
  readonly production: boolean;
  /** The secret that the server can sign tokens with; null with an identity provider. */
  readonly signsWith: 'development secret' | 'AUTH_SECRET' | null;
  /** Whether the server listens on this machine alone. */
  readonly onLoopback: boolean;
}

/**
 * The owners whose tokens are in GraphiQL, for everybody who opens it. None in production, and none with an identity
 * provider. A token that is signed with `AUTH_SECRET` stays on this machine. The owners to change to are for a server
 * without a configured secret that listens on this machine alone: nobody else's data is in it.
 */
export function pageOwners({ production, signsWith, onLoopback }: PageOwnerRules): readonly string[] {
  if (production || signsWith === null) return [];
  if (signsWith === 'AUTH_SECRET') return onLoopback ? ['dev'] : [];
  return onLoopback ? ['dev', 'alice', 'bob'] : ['dev'];
}
