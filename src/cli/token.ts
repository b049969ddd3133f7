import { DEV_SECRET_FILE, devSecret } from '../auth/dev-secret.ts';
import { mintToken } from '../auth/mint-token.ts';
import { readConfig } from '../config.ts';
import { ConfigError } from '../lib/config-error.ts';
import { isOwner } from '../store/owner.ts';

try {
  process.stdout.write(`${await token(process.argv.slice(2))}\n`);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** `npm run token -- alice`: a token for the owner alice that a server with the same environment accepts. */
async function token(args: readonly string[]): Promise<string> {
  const [owner, ...others] = args;
  if (owner === undefined || others.length > 0) {
    throw new ConfigError('Name one owner: npm run token -- alice');
  }
  if (!isOwner(owner)) {
    throw new ConfigError('An owner has 1 to 255 characters, is not blank, and has no control characters.');
  }
  const { auth } = readConfig(process.env);
  if (auth.jwksUrl !== null) {
    throw new ConfigError('AUTH_JWKS_URL is set: get the token from that identity provider.');
  }
  return mintToken({ ...auth, secret: auth.secret ?? sharedDevSecret(), owner });
}

function sharedDevSecret(): string {
  const secret = devSecret(DEV_SECRET_FILE);
  // A secret that is not stored is another one at each call: no server would accept the token.
  if (devSecret(DEV_SECRET_FILE) !== secret) {
    throw new ConfigError('AUTH_SECRET must be set, since the file .dev-secret cannot be written.');
  }
  return secret;
}
