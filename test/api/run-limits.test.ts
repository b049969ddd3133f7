import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createMemoryStores } from '../../src/store/memory/stores.ts';
import type { Stores } from '../../src/store/stores.ts';
import { createWaits } from '../../src/subscriptions/waits.ts';
import { type FetchedApi, openApi, send, tokenFor } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { codesOf, createAssistant, listAt, textAt, valueAt } from '../support/requests.ts';
import { until } from '../http/listen.ts';

const CREATE =
  'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id } userErrors { code } } }';
const CLAIM = `mutation($max: Int!, $seconds: Int!) { claimRuns(input: {worker: "w", graphIds: ["graph"], max: $max, waitSeconds: $seconds}) {
  claims { lease attempt input values checkpoint } userErrors { code } } }`;
const WAIT = 'query($id: ID!) { waitForRun(id: $id) { status } }';
const FINISH =
  'mutation($lease: String!) { finishRun(input: {lease: $lease, status: SUCCESS}) { accepted status } }';
/** The largest payload, nearly. */
const LARGE = { text: 'x'.repeat(520_000) };

async function createRun(api: FetchedApi, as: string, input: object = {}): Promise<string> {
  const assistantId = await createAssistant(api, as);
  return textAt(await send(api, as, CREATE, { input: { assistantId, input } }), 'createRun', 'run', 'id');
}

async function claimOne(api: FetchedApi, as: string): Promise<string> {
  return textAt(await send(api, as, CLAIM, { max: 1, seconds: 0 }), 'claimRuns', 'claims', 0, 'lease');
}

describe('the quota of calls that wait', () => {
  it('should refuse an owner more, and nobody else, until one is answered', async () => {
    const waits = createWaits({ ofOwner: 2 });
    const { api } = openApi({ waits });
    const id = await createRun(api, 'alice');
    const lease = await claimOne(api, 'alice');
    const end = send(api, 'alice', WAIT, { id });
    const claim = send(api, 'alice', CLAIM, { max: 1, seconds: 10 });
    await until(() => waits.count() === 2);
    const beat =
      'mutation($lease: String!) { heartbeatRuns(input: {leases: [$lease], waitSeconds: 10}) { leases { held } } }';
    for (const [document, variables] of [
      [WAIT, { id }],
      [CLAIM, { max: 1, seconds: 10 }],
      [beat, { lease }],
    ] as const) {
      const refused = await send(api, 'alice', document, variables);
      expect({ status: refused.status, codes: codesOf(refused) }).toEqual({
        status: 429,
        codes: ['LIMIT_EXCEEDED'],
      });
    }
    // Those that do not wait are no waiting calls.
    expect(listAt(await send(api, 'alice', CLAIM, { max: 1, seconds: 0 }), 'claimRuns', 'claims')).toEqual(
      [],
    );
    const bob = send(api, 'bob', CLAIM, { max: 1, seconds: 10 });
    await until(() => waits.count() === 3);
    await createRun(api, 'bob');
    expect(listAt(await bob, 'claimRuns', 'claims')).toHaveLength(1);

    await send(api, 'alice', FINISH, { lease });
    expect(valueAt(await end, 'waitForRun', 'status')).toBe('SUCCESS');
    const again = send(api, 'alice', CLAIM, { max: 1, seconds: 10 });
    await until(() => waits.count() === 2);
    void waits.close();
    for (const one of [claim, again]) expect(listAt(await one, 'claimRuns', 'claims')).toEqual([]);
    expect(waits.count()).toBe(0);
  });

  it('should refuse all owners where the server has no more', async () => {
    const waits = createWaits({ inAll: 1 });
    const { api } = openApi({ waits });
    const open = send(api, 'alice', CLAIM, { max: 1, seconds: 10 });
    await until(() => waits.count() === 1);
    const refused = await send(api, 'bob', CLAIM, { max: 1, seconds: 10 });
    expect({ status: refused.status, codes: codesOf(refused) }).toEqual({
      status: 429,
      codes: ['LIMIT_EXCEEDED'],
    });
    await createRun(api, 'alice');
    expect(listAt(await open, 'claimRuns', 'claims')).toHaveLength(1);
  });
});

describe('large payloads', () => {
  it('should be refused where they do not fit into an answer together', async () => {
    const { api } = openApi();
    for (let i = 0; i < 33; i++) await createRun(api, 'alice', LARGE);
    const query = 'query($first: Int!) { runs(first: $first) { nodes { input } } }';
    const many = await send(api, 'alice', query, { first: 33 });
    expect(codesOf(many)).toEqual(['LIMIT_EXCEEDED']);
    expect(many.text.length).toBeLessThan(4_096);
    expect(listAt(await send(api, 'alice', query, { first: 30 }), 'runs', 'nodes')).toHaveLength(30);
  });

  it('should reach workers, however many are asked for at once, and cost no attempt', async () => {
    const { api } = openApi();
    for (let i = 0; i < 40; i++) await createRun(api, 'alice', LARGE);
    const leases: string[] = [];
    while (leases.length < 40) {
      const claimed = await send(api, 'alice', CLAIM, { max: 50, seconds: 0 });
      expect(claimed.body.errors).toBeUndefined();
      const claims = listAt(claimed, 'claimRuns', 'claims');
      expect(claims.length).toBeGreaterThan(1);
      for (const index of claims.keys()) {
        expect(valueAt(claimed, 'claimRuns', 'claims', index, 'attempt')).toBe(1);
        leases.push(textAt(claimed, 'claimRuns', 'claims', index, 'lease'));
      }
    }
    expect(new Set(leases).size).toBe(40);
  });
});

describe('a client that goes away', () => {
  it('should leave the run in the queue that was being claimed for it', async () => {
    const inMemory = createMemoryStores();
    const moments = new EventEmitter();
    let claims = 0;
    const stores: Stores = {
      ...inMemory,
      queue: {
        ...inMemory.queue,
        async claim(...args) {
          claims++;
          const claimed = await inMemory.queue.claim(...args);
          // As long as the database takes.
          if (claims === 1) await once(moments, 'database answers');
          return claimed;
        },
      },
    };
    const { api } = openApi({ stores });
    const id = await createRun(api, 'alice');
    const leaving = new AbortController();
    const gone = api.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenFor('alice')}` },
      body: JSON.stringify({ query: CLAIM, variables: { max: 1, seconds: 10 } }),
      signal: leaving.signal,
    });
    const outcome = gone.then(
      () => 'answered',
      () => 'gone',
    );
    await until(() => claims === 1);
    leaving.abort();
    expect(await outcome).toBe('gone');
    moments.emit('database answers');
    const run = 'query($id: ID!) { run(id: $id) { worker attempt } }';
    await eventually('it was given back', async () => {
      return valueAt(await send(api, 'alice', run, { id }), 'run', 'worker') === null;
    });
    expect(
      listAt(await send(api, 'alice', CLAIM, { max: 1, seconds: 0 }), 'claimRuns', 'claims'),
    ).toMatchObject([{ attempt: 1 }]);
  });
});
