import { EventEmitter, once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createMemoryStores } from '../../src/store/memory/stores.ts';
import { asOwner } from '../../src/store/owner.ts';
import type { Stores } from '../../src/store/stores.ts';
import { createWaits } from '../../src/subscriptions/waits.ts';
import { type FetchedApi, openApi, send, tokenFor } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { codesOf, createAssistant, listAt, textAt, valueAt } from '../support/requests.ts';
import { enqueue } from '../support/worker.ts';
import { listen, open, reads, until } from '../http/listen.ts';

const CREATE =
  'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id } userErrors { code } } }';
const CLAIM = `mutation($max: Int!, $seconds: Int!) { claimRuns(input: {worker: "w", graphIds: ["graph"], max: $max, waitSeconds: $seconds}) {
  claims { lease attempt input values checkpoint } userErrors { code } } }`;
const WAIT = 'query($id: ID!) { waitForRun(id: $id) { status } }';
const FINISH =
  'mutation($lease: String!) { finishRun(input: {lease: $lease, status: SUCCESS}) { accepted status } }';
const APPEND = `mutation($lease: String!, $offset: Int!, $events: [RunEventInput!]!) {
  appendRunEvents(input: {lease: $lease, offset: $offset, events: $events}) { lease { held storedEvents } userErrors { code } } }`;
const RELEASE =
  'mutation($lease: String!) { releaseRuns(input: {leases: [$lease]}) { leases { held } userErrors { code } } }';
const RUN = 'query($id: ID!) { run(id: $id) { worker attempt } }';
const CLAIM_THEN_WAIT = `mutation {
  first: claimRuns(input: {worker: "w", graphIds: ["graph"]}) { claims { lease } }
  second: claimRuns(input: {worker: "w", graphIds: ["other"]}) { claims { lease } }
}`;
/** The largest payload, nearly. */
const LARGE = { text: 'x'.repeat(520_000) };

async function createRun(api: FetchedApi, as: string, input: object = {}): Promise<string> {
  const assistantId = await createAssistant(api, as);
  return textAt(await send(api, as, CREATE, { input: { assistantId, input } }), 'createRun', 'run', 'id');
}

async function claimOne(api: FetchedApi, as: string): Promise<string> {
  return textAt(await send(api, as, CLAIM, { max: 1, seconds: 0 }), 'claimRuns', 'claims', 0, 'lease');
}

function manyEvents(count: number): readonly object[] {
  return Array.from({ length: count }, () => ({ type: 'A' }));
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
    // Calls without `waitSeconds` do not count.
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
    const first = send(api, 'alice', CLAIM, { max: 1, seconds: 10 });
    await until(() => waits.count() === 1);
    const refused = await send(api, 'bob', CLAIM, { max: 1, seconds: 10 });
    expect({ status: refused.status, codes: codesOf(refused) }).toEqual({
      status: 429,
      codes: ['LIMIT_EXCEEDED'],
    });
    await createRun(api, 'alice');
    expect(listAt(await first, 'claimRuns', 'claims')).toHaveLength(1);
  });
});

describe('the rate of the events of a run', () => {
  it('should be limited, whichever lease and worker, and go on when it is said to', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { api } = openApi();
    await createRun(api, 'alice');
    const lease = await claimOne(api, 'alice');
    const append = (to: string, offset: number, count: number) =>
      send(api, 'alice', APPEND, { lease: to, offset, events: manyEvents(count) });
    for (let offset = 0; offset < 4_000; offset += 100) {
      expect((await append(lease, offset, 100)).body.errors).toBeUndefined();
    }
    const refused = await append(lease, 4_000, 100);
    expect({ status: refused.status, codes: codesOf(refused) }).toEqual({
      status: 429,
      codes: ['LIMIT_EXCEEDED'],
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.body.errors?.[0]?.message).toContain('after 50 ms');
    // The limit is for each run, and an empty append only renews the lease.
    await createRun(api, 'alice');
    expect((await append(await claimOne(api, 'alice'), 0, 100)).body.errors).toBeUndefined();
    expect(valueAt(await append(lease, 4_000, 0), 'appendRunEvents', 'lease')).toEqual({
      held: true,
      storedEvents: 4_000,
    });
    vi.advanceTimersByTime(49);
    expect(codesOf(await append(lease, 4_000, 100))).toEqual(['LIMIT_EXCEEDED']);
    vi.advanceTimersByTime(1);
    expect(valueAt(await append(lease, 4_000, 100), 'appendRunEvents', 'lease')).toEqual({
      held: true,
      storedEvents: 4_100,
    });
    // A new claim does not reset the limit.
    await send(api, 'alice', RELEASE, { lease });
    const again = await claimOne(api, 'alice');
    expect(codesOf(await append(again, 0, 1))).toEqual(['LIMIT_EXCEEDED']);
  });

  it('should not be counted for leases that are not valid', async () => {
    const { api } = openApi();
    await createRun(api, 'alice');
    const lease = await claimOne(api, 'alice');
    const events = manyEvents(100);
    for (let call = 0; call < 41; call++) {
      const lost = await send(api, 'bob', APPEND, { lease, offset: 0, events });
      expect(valueAt(lost, 'appendRunEvents', 'lease', 'held')).toBe(false);
    }
    const held = await send(api, 'alice', APPEND, { lease, offset: 0, events });
    expect(valueAt(held, 'appendRunEvents', 'lease', 'held')).toBe(true);
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

describe('a response that does not reach its worker', () => {
  it('should give back what was claimed when the worker leaves while another claim waits', async () => {
    const waits = createWaits();
    const { api } = openApi({ waits });
    const id = await createRun(api, 'alice');
    const leaving = new AbortController();
    const gone = claimAll(api, CLAIM_THEN_WAIT, leaving.signal);
    await until(() => waits.count() === 1);
    leaving.abort();
    await expect(gone).rejects.toThrow('aborted');
    expect(await attemptsOnceGivenBack(api, [id])).toEqual([0]);
  });

  it('should give back what was claimed when the request takes too long', async () => {
    const { api, stores } = openApi({ requestTime: 200 });
    const { id } = await enqueue(stores, asOwner('alice'));
    const refused = await claimAll(api, CLAIM_THEN_WAIT);
    expect(refused.status).toBe(408);
    await eventually('it was given back', async () => {
      const run = await stores.runs.get(asOwner('alice'), id);
      return run?.worker === null && run.attempt === 0;
    });
  });

  it('should give back what was claimed when another claim is refused', async () => {
    const { api } = openApi({ waits: createWaits({ ofOwner: 0 }) });
    const id = await createRun(api, 'alice');
    const refused = await claimAll(api, CLAIM_THEN_WAIT);
    expect(await refused.json()).toMatchObject({
      data: null,
      errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
    });
    expect(await attemptsOnceGivenBack(api, [id])).toEqual([0]);
  });

  it('should give back what does not fit into it', async () => {
    const { api } = openApi();
    const ids: string[] = [];
    while (ids.length < 36) ids.push(await createRun(api, 'alice', LARGE));
    const refused = await claimAll(api, claimLarge('a', 'b', 'c', 'd'));
    expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] });
    expect(await attemptsOnceGivenBack(api, ids)).toEqual(ids.map(() => 0));
  });

  it('should give back what its worker does not read', async () => {
    const { api, port, close } = await listen();
    onTestFinished(() => close());
    const ids: string[] = [];
    while (ids.length < 27) ids.push(await createRun(api, 'alice', LARGE));
    // More than the operating system takes for a client that does not read.
    const body = JSON.stringify({ query: claimLarge('a', 'b', 'c') });
    const socket = await open(port);
    const head = [
      'POST /graphql HTTP/1.1',
      'Host: localhost',
      'Content-Type: application/json',
      `Authorization: Bearer ${await tokenFor('alice')}`,
      `Content-Length: ${body.length}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    await reads(socket, /^HTTP\/1.1 200 /);
    socket.destroy();
    expect(await attemptsOnceGivenBack(api, ids)).toEqual(ids.map(() => 0));
  });

  it('should leave what its worker has read', async () => {
    const { api } = openApi();
    const id = await createRun(api, 'alice');
    const claimed = await claimAll(
      api,
      'mutation { claimRuns(input: {worker: "w", graphIds: ["graph"]}) { claims { runId } } }',
    );
    expect(await claimed.json()).toEqual({ data: { claimRuns: { claims: [{ runId: id }] } } });
    expect(valueAt(await send(api, 'alice', RUN, { id }), 'run')).toEqual({ worker: 'w', attempt: 1 });
  });
});

/** Claims nine runs with a large input by each alias. */
function claimLarge(...aliases: readonly string[]): string {
  const input = '{worker: "w", graphIds: ["graph"], max: 50, waitSeconds: 0}';
  const claims = aliases.map((alias) => `${alias}: claimRuns(input: ${input}) { claims { lease input } }`);
  return `mutation { ${claims.join(' ')} }`;
}

async function claimAll(api: FetchedApi, query: string, signal: AbortSignal | null = null) {
  return api.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenFor('alice')}` },
    body: JSON.stringify({ query }),
    signal,
  });
}

/** The attempts of runs, once no worker holds them. */
async function attemptsOnceGivenBack(api: FetchedApi, ids: readonly string[]): Promise<readonly unknown[]> {
  const attempts: unknown[] = [];
  for (const id of ids) {
    await eventually('it was given back', async () => {
      const found = await send(api, 'alice', RUN, { id });
      attempts.push(valueAt(found, 'run', 'attempt'));
      const isHeld = valueAt(found, 'run', 'worker') !== null;
      if (isHeld) attempts.pop();
      return !isHeld;
    });
  }
  return attempts;
}

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
