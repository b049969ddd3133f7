import { type Api, type ApiParts, createApi } from '../../src/http/api.ts';
import { type Authenticate, createAuthenticator } from '../../src/auth/authenticator.ts';
import { mintToken } from '../../src/auth/mint-token.ts';
import { type ChangeFeed, createChangeFeed } from '../../src/subscriptions/change-feed.ts';
import { createClaimWaiters } from '../../src/subscriptions/claim-waiters.ts';
import { createWaits } from '../../src/subscriptions/waits.ts';
import { createSubscribers, type Subscribers } from '../../src/subscriptions/subscribers.ts';
import type { Stores } from '../../src/store/stores.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { createInMemoryFetch, type InMemoryFetch } from './in-memory-fetch.ts';
import { HOUR } from './hour.ts';
import { createTestStores, type TestStores } from './stores.ts';

/** What signs the tokens of tests. */
export const SECRET = 'a secret for tests, 32 bytes or more';
/** What makes the tokens of tests those of workers of all owners. */
export const WORKER_SCOPE = 'agent-graphql:worker';

/** An API with a `fetch` of its own. */
export interface FetchedApi extends Api {
  readonly fetch: InMemoryFetch;
}

/** An API of a test's own, with nothing in it. */
export interface TestApi {
  readonly api: FetchedApi;
  readonly stores: Stores;
  readonly changes: ChangeFeed;
  readonly subscribers: Subscribers;
  /** What the server logged as its own errors. */
  readonly logged: unknown[];
}

/** What a test may replace. */
export type TestParts = Partial<Omit<ApiParts, 'openStores' | 'requestTime'>> & {
  readonly stores?: Stores;
  readonly now?: () => number;
  /** Null for that of the server. Default: one that no test reaches. */
  readonly requestTime?: number | null;
};

/** Makes an API on stores of its own, of the kind of this run; parts can be replaced. */
export function openApi(parts: TestParts = {}): TestApi {
  const {
    now = Date.now,
    stores: given,
    changes = createChangeFeed(),
    subscribers = createSubscribers(),
    waits = createWaits(),
    claimWaiters = createClaimWaiters(),
    requestTime = HOUR,
    ...others
  } = parts;
  const opened =
    given === undefined ? createTestStores({ now, changes, subscribers, claimWaiters }) : fixed(given);
  const logged: unknown[] = [];
  const api = createApi({
    changes,
    waits,
    claimWaiters,
    subscribers,
    authenticate: createAuthenticator({
      key: SECRET,
      issuer: null,
      audience: null,
      ownerClaim: 'sub',
      workerScope: WORKER_SCOPE,
    }),
    corsOrigins: 'localhost',
    introspection: true,
    rateLimit: null,
    trustedDocuments: null,
    isReady: () => true,
    page: null,
    log: (cause) => logged.push(cause),
    observers: [],
    startTrace: null,
    ...(requestTime !== null && { requestTime }),
    ...others,
    openStores: opened.forRequest,
  });
  const fetched = { ...api, fetch: createInMemoryFetch(api.handle) };
  settling.set(fetched, opened.settled);
  return { api: fetched, stores: opened.stores, changes, subscribers, logged };
}

function fixed(stores: Stores): TestStores {
  return { stores, forRequest: () => stores, settled: async () => {} };
}

const settling = new WeakMap<Api, () => Promise<void>>();

/** Is done once subscribers of an API have been told of all that was changed through it before. */
export async function settled(api: FetchedApi): Promise<void> {
  await settling.get(api)?.();
}

/** A token for an owner, signed with the secret of tests. */
export function tokenFor(name: string): Promise<string> {
  return mintToken({ secret: SECRET, owner: owner(name), issuer: null, audience: null, ownerClaim: 'sub' });
}

/** A token of a worker of all owners. @param graphs which it may claim. Default: all. */
export function workerToken(name: string, graphs: readonly string[] | null = null): Promise<string> {
  const worker = { scope: WORKER_SCOPE, graphs };
  return mintToken({
    secret: SECRET,
    owner: owner(name),
    issuer: null,
    audience: null,
    ownerClaim: 'sub',
    worker,
  });
}

/** Takes every request for alice's, with a token that ends after this time, in milliseconds. */
export function aliceFor(time: number): Authenticate {
  return () => ({ owner: owner('alice'), worker: null, expiresAt: Date.now() + time });
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
  api: FetchedApi,
  as: string | null,
  query: string,
  variables?: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return post(api, as, JSON.stringify({ query, variables }), headers);
}

/** Posts a body as it is, for requests that `send` could not make. */
export async function post(
  api: FetchedApi,
  as: string | null,
  body: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const all = {
    'content-type': 'application/json',
    ...(as !== null && { authorization: `Bearer ${await tokenFor(as)}` }),
    ...headers,
  };
  const response = await api.fetch('http://localhost/graphql', { method: 'POST', headers: all, body });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
}
