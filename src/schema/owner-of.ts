import type { Context } from './context.ts';
import { unauthenticated } from '../errors.ts';
import type { Owner } from '../store/owner.ts';

/**
 * The owner whose request this is. Each resolver calls it before it calls a store.
 * @throws GraphQLError UNAUTHENTICATED without a token
 * @throws the reason why the request has been stopped, where it has
 */
export function ownerOf({ identity, stopped }: Context): Owner {
  if (stopped !== null) throw stopped;
  if (identity === null) throw tokenMissing();
  return identity.owner;
}

/** The refusal of a request that needs a token and has none. */
export function tokenMissing(): ReturnType<typeof unauthenticated> {
  return unauthenticated('This needs a token: send it as `Authorization: Bearer <JWT>`.');
}
