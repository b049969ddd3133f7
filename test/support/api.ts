import { type Api, type ApiParts, createApi } from '../../src/api.ts';
import { createAuthenticator } from '../../src/auth/authenticator.ts';
import { mintToken } from '../../src/auth/mint-token.ts';
import { type Changes, createChanges } from '../../src/changes.ts';
import type { Stores } from '../../src/store/stores.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { createTestStores, type TestStores } from './stores.ts';

/** What signs the tokens of tests. */
export const SECRET = 'a secret for tests, 32 bytes or more';

/** An API of a test's own, with nothing in it. */
export interface TestApi {
  readonly api: Api;
  readonly stores: Stores;
  readonly changes: Changes;
  /** What the server logged as its own errors. */
  readonly logged: unknown[];
}

/** What a test may replace. */
export type TestParts = Partial<Omit<ApiParts, 'openStores'>> & {
  readonly stores?: Stores;
  readonly now?: () => number;
};

/** Makes an API on stores of its own, of the kind of this run; parts can be replaced. */
export function openApi(parts: TestParts = {}): TestApi {
  const { now = Date.now, stores: given, changes = createChanges(), ...others } = parts;
  const opened = given === undefined ? createTestStores({ now, changes }) : fixed(given);
  const logged: unknown[] = [];
  const api = createApi({
    openStores: opened.forRequest,
    changes,
    authenticate: createAuthenticator({ key: SECRET, issuer: null, audience: null, ownerClaim: 'sub' }),
    corsOrigins: 'localhost',
    introspection: true,
    rateLimit: null,
    trustedDocuments: null,
    isReady: () => true,
    page: null,
    log: (cause) => logged.push(cause),
    observers: [],
    tracing: [],
    ...others,
  });
  settling.set(api, opened.settled);
  return { api, stores: opened.stores, changes, logged };
}

function fixed(stores: Stores): TestStores {
  return { stores, forRequest: () => stores, settled: async () => {} };
}

const settling = new WeakMap<Api, () => Promise<void>>();

/** Is done once subscribers of an API have been told of all that was changed through it before. */
export async function settled(api: Api): Promise<void> {
  await settling.get(api)?.();
}

/** A token for an owner, signed with the secret of tests. */
export function tokenFor(name: string): Promise<string> {
  return mintToken({ secret: SECRET, owner: owner(name), issuer: null, audience: null, ownerClaim: 'sub' });
}

/** An answer as it came. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The text, parsed. */
  readonly body: { readonly data?: unknown; readonly errors?: readonly AnsweredError[] };
}

/** An error in an answer. */
export interface AnsweredError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string };
}

/** Sends a GraphQL request as an owner; as nobody when that is null. */
export async function send(
  api: Api,
  as: string | null,
  query: string,
  variables?: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return post(api, as, JSON.stringify({ query, variables }), headers);
}

/** Posts a body as it is, for requests that `send` could not make. */
export async function post(
  api: Api,
  as: string | null,
  body: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await api.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(as !== null && { authorization: `Bearer ${await tokenFor(as)}` }),
      ...headers,
    },
    body,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
}
