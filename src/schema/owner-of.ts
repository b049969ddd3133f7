import { unauthenticated } from '../errors.ts';
import type { Identity } from '../auth/identity.ts';
import type { Context } from './context.ts';
import type { Owner } from '../store/owner.ts';

/** Whose request this is. Throws UNAUTHENTICATED without a token. */
export function ownerOf(context: Context): Owner {
  return identityOf(context).owner;
}

/** The verified token of this request. Throws UNAUTHENTICATED without one. */
export function identityOf({ identity }: Context): Identity {
  if (identity === null) throw tokenMissing();
  return identity;
}

/** The refusal of a request that needs a token and has none. */
export function tokenMissing(): ReturnType<typeof unauthenticated> {
  return unauthenticated('This needs a token: send it as `Authorization: Bearer <JWT>`.');
}
