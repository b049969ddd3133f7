import { expect, inject } from 'vitest';
import { type Api, type ApiParts, createApi } from '../../src/http/api.ts';
import { createAuthenticator } from '../../src/auth/authenticator.ts';
import { mintToken } from '../../src/auth/mint-token.ts';
import { type Changes, createChanges } from '../../src/subscriptions/change-feed.ts';
import type { Stores } from '../../src/store/stores.ts';
import { asOwner as owner } from '../../src/store/owner.ts';
import { type BothWays, type Came, openBothWays } from './both-ways.ts';
import { inRecording, newRecording, type Recording, recordStores, rewound } from './recorded-stores.ts';
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
  const { record, replay } = recordStores(opened.forRequest);
  const all: ApiParts = {
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
    openStores: record,
  };
  const api = createApi(all);
  settling.set(api, opened.settled);
  // In one project of the three: it is the same code in all. Whoever counts requests would count these as well.
  if (all.rateLimit === null && (given !== undefined || inject('storeKind') === 'memory')) {
    twins.set(api, openBothWays({ ...all, openStores: replay }));
  }
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

const twins = new WeakMap<Api, BothWays>();

/** The same API, whose requests are sent one way alone: for tests that measure time, or send very many. */
export function oneWay(api: Api): Api {
  twins.delete(api);
  return api;
}

/** Sends a request through the front and through yoga, to stores that answer as they have answered before. */
async function expectSameBothWays(
  api: Api,
  calls: Recording,
  headers: Record<string, string>,
  body: string,
): Promise<void> {
  const ways = twins.get(api);
  if (ways === undefined) return;
  // By yoga first: then the front knows the document.
  const byYoga = await inRecording(rewound(calls), () => ways.yoga(headers, body));
  const byFront = await inRecording(rewound(calls), () => ways.front(headers, body));
  expect(byFront.answer).toBe(byYoga.answer);
  executors.set(api, byFront.by);
}

const executors = new WeakMap<Api, Came['by']>();

/** Who executed the document of the last request that was compared. */
export function executorOf(api: Api): Came['by'] | null {
  return executors.get(api) ?? null;
}

/** Posts a body as it is, for requests that `send` could not make. */
export async function post(
  api: Api,
  as: string | null,
  body: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const all = {
    'content-type': 'application/json',
    ...(as !== null && { authorization: `Bearer ${await tokenFor(as)}` }),
    ...headers,
  };
  const calls = newRecording();
  const response = await inRecording(calls, () =>
    api.fetch('http://localhost/graphql', { method: 'POST', headers: { ...all }, body }),
  );
  const text = await response.text();
  await expectSameBothWays(api, calls, all, body);
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
}
