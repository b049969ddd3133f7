import { parseArgs } from 'node:util';
import { DEV_SECRET_FILE, devSecret } from '../auth/dev-secret.ts';
import { mintToken } from '../auth/mint-token.ts';
import { readConfig } from '../config.ts';
import { ConfigError } from '../lib/config-error.ts';
import { errorMessage } from '../lib/error-message.ts';
import { isOwner } from '../store/owner.ts';

// Before it is used: a module is executed from top to bottom.
const USAGE = 'Name one owner: npm run token -- alice, or a worker: npm run token -- --worker worker-1';

try {
  process.stdout.write(`${await token(process.argv.slice(2))}\n`);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/**
 * `npm run token -- alice`: a token for the owner alice that a server with the same environment accepts.
 * `npm run token -- --worker --graphs support worker-1`: one for the worker worker-1, which claims runs of every owner,
 * here of the graph `support` alone.
 */
async function token(args: readonly string[]): Promise<string> {
  const { values, positionals } = parse(args);
  const [owner, ...others] = positionals;
  if (owner === undefined || others.length > 0) throw new ConfigError(USAGE);
  if (!isOwner(owner)) {
    throw new ConfigError('An owner has 1 to 255 characters, is not blank, and has no control characters.');
  }
  const { auth } = readConfig(process.env);
  if (auth.jwksUrl !== null) {
    throw new ConfigError('AUTH_JWKS_URL is set: get the token from that identity provider.');
  }
  const secret = auth.secret ?? sharedDevSecret();
  if (values.worker !== true) {
    if (values.graphs !== undefined) throw new ConfigError('--graphs is accepted with --worker alone.');
    return mintToken({ ...auth, secret, owner });
  }
  if (auth.workerScope === null) {
    throw new ConfigError(
      'AUTH_WORKER_SCOPE must be set: without it no token claims the runs of every owner.',
    );
  }
  const graphs = values.graphs?.split(',') ?? null;
  return mintToken({ ...auth, secret, owner, worker: { scope: auth.workerScope, graphs } });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { worker: { type: 'boolean' }, graphs: { type: 'string' } },
    });
  } catch (error) {
    throw new ConfigError(`${errorMessage(error).split('. ')[0]}. ${USAGE}`);
  }
}

function sharedDevSecret(): string {
  const secret = devSecret(DEV_SECRET_FILE);
  // A secret that is not stored is another one at each call: no server would accept the token.
  if (devSecret(DEV_SECRET_FILE) !== secret) {
    throw new ConfigError('AUTH_SECRET must be set, since the file .dev-secret cannot be written.');
  }
  return secret;
}
