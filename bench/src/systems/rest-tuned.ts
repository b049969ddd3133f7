import { createAuthenticator } from '../../../dist/auth/authenticator.js';
import { andThen } from '../../../dist/lib/maybe-promise.js';
import { serveByHand } from '../peers/serve-by-hand.ts';

/** REST by hand with the tricks of the server: tokens are remembered, and times are text. */
const authenticate = createAuthenticator({
  key: process.env.AUTH_SECRET ?? '',
  issuer: process.env.AUTH_ISSUER ?? null,
  audience: process.env.AUTH_AUDIENCE ?? null,
  ownerClaim: 'sub',
});

serveByHand({
  identify: (authorization) =>
    andThen(authenticate(authorization ?? null), (identity) => {
      if (identity === null) throw new Error('A token is needed.');
      return identity.owner;
    }),
  timesOf: (record) => record,
});
