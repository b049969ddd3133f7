import { DEV_SECRET_FILE, devSecret } from '../auth/dev-secret.ts';
import { mintToken } from '../auth/mint-token.ts';
import { readConfig } from '../config.ts';
import { ConfigError } from '../lib/config-error.ts';
import { isOwner, type Owner } from '../store/owner.ts';
import type { Command, CommandArguments, Environment } from './command.ts';
import { commandLine } from './command-line.ts';

/**
 * Prints a token that a server with the same environment accepts: for an owner, or, with `--worker`, for a worker that
 * claims runs of every owner.
 */
export const token: Command = {
  name: 'token',
  summary: 'Prints a token for an owner that a server with the same environment accepts for 24 hours.',
  positionals: '<owner>',
  options: {
    worker: { description: "Makes it a worker's, which claims the runs of every owner." },
    graphs: { value: 'graph,…', description: 'The graphs that the worker may claim. Default: all.' },
  },
  async run(args) {
    process.stdout.write(`${await tokenOf(args)}\n`);
    return null;
  },
};

async function tokenOf({ values, flags, positionals, env }: CommandArguments): Promise<string> {
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0) {
    const command = commandLine('token', env);
    throw new ConfigError(`Name one owner: ${command} alice, or a worker: ${command} --worker worker-1`);
  }
  const owner = ownerOf(name);
  const graphs = values.get('graphs');
  if (!flags.has('worker')) {
    if (graphs !== undefined) throw new ConfigError('--graphs is accepted with --worker alone.');
    return ownerToken(owner, env);
  }
  const { auth, secret } = signingOf(env);
  if (auth.workerScope === null) {
    throw new ConfigError(
      'AUTH_WORKER_SCOPE must be set: without it no token claims the runs of every owner.',
    );
  }
  const worker = { scope: auth.workerScope, graphs: graphs?.split(',') ?? null };
  return mintToken({ ...auth, secret, owner, worker });
}

/** The owner with this name. @throws ConfigError for a name that cannot be an owner's */
export function ownerOf(name: string): Owner {
  if (isOwner(name)) return name;
  throw new ConfigError('An owner has 1 to 255 characters, is not blank, and has no control characters.');
}

/** A token for an owner that a server with the same environment accepts. @throws ConfigError where none can be made */
export async function ownerToken(owner: Owner, env: Environment): Promise<string> {
  const { auth, secret } = signingOf(env);
  return mintToken({ ...auth, secret, owner });
}

function signingOf(env: Environment) {
  const { auth } = readConfig(env);
  if (auth.jwksUrl !== null) {
    throw new ConfigError('AUTH_JWKS_URL is set: get the token from that identity provider.');
  }
  return { auth, secret: auth.secret ?? sharedDevSecret() };
}

function sharedDevSecret(): string {
  const secret = devSecret(DEV_SECRET_FILE);
  // A secret that is not stored is another one at each call: no server would accept the token.
  if (devSecret(DEV_SECRET_FILE) !== secret) {
    throw new ConfigError('AUTH_SECRET must be set, since the file .dev-secret cannot be written.');
  }
  return secret;
}
