import { readConfig } from '../config.ts';
import { ConfigError } from '../lib/config-error.ts';
import { errorMessage } from '../lib/error-message.ts';
import { GRAPHQL_PATH } from '../lib/paths.ts';
import type { Command, Environment } from './command.ts';
import { sendSamples } from './samples.ts';
import { ownerOf, ownerToken } from './token.ts';

/** Fills a running server with samples. A second time changes nothing: each is created with an idempotency key. */
export const seed: Command = {
  name: 'seed',
  summary: 'Creates sample assistants, threads and runs of an owner on a running server. Default owner: dev.',
  positionals: '[owner]',
  options: {
    url: { value: 'url', description: 'The API. Default: that of PORT on this machine.' },
    port: {
      value: 'number',
      variable: 'PORT',
      description: 'The port of the API on this machine. Default: 4000.',
    },
    token: { value: 'jwt', description: 'A token. Default: one for the owner, as `token` prints it.' },
  },
  async run({ values, positionals, env }) {
    const [name, ...others] = positionals;
    if (others.length > 0) throw new ConfigError('Name one owner at most.');
    if (name !== undefined && values.has('token')) {
      throw new ConfigError('--token is not accepted with an owner: the token names its own.');
    }
    const url = values.get('url') ?? urlOf(env);
    if (!URL.canParse(url)) throw new ConfigError('--url must be the URL of an API.');
    const token = values.get('token') ?? (await ownerToken(ownerOf(name ?? 'dev'), env));
    const counts = await sendSamples((query, variables) => send(url, token, query, variables));
    const { assistants, threads, runs } = counts;
    return `${url} has ${assistants} assistants, ${threads} threads and ${runs} runs of the samples.`;
  },
};

function urlOf(env: Environment): string {
  return `http://localhost:${readConfig(env).port}${GRAPHQL_PATH}`;
}

/** Sends an operation. Resolves to its data. @throws ConfigError where the server does not answer with data alone */
async function send(url: string, token: string, query: string, variables: object): Promise<unknown> {
  let body: unknown;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });
    body = await response.json();
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new ConfigError(
      `${url} does not answer as the API: is the server running? ${errorMessage(cause)}`.trim(),
    );
  }
  const problem = problemIn(body);
  if (problem !== null) throw new ConfigError(`${url} refused: ${problem}`);
  return body;
}

function problemIn(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return 'its answer is no JSON object.';
  if (!('errors' in body) || !Array.isArray(body.errors)) return null;
  const [first]: unknown[] = body.errors;
  const hasMessage = typeof first === 'object' && first !== null && 'message' in first;
  return hasMessage ? String(first.message) : 'it did not say why.';
}
