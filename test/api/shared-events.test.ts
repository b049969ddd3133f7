import { describe, expect, it, onTestFinished } from 'vitest';
import { createMemoryStores } from '../../src/store/memory/stores.ts';
import { createChangeFeed } from '../../src/subscriptions/change-feed.ts';
import { openApi, type TestApi } from '../support/api.ts';
import { eachCall, type OnCall } from '../support/each-call.ts';
import { createThread } from '../support/requests.ts';
import { subscribe } from '../support/sse.ts';

/** An API whose store calls are made by a function. */
function open(onCall: OnCall): TestApi {
  const changes = createChangeFeed();
  return openApi({ changes, stores: eachCall(createMemoryStores({ publish: changes.publish }), onCall) });
}

/** What subscribers with these documents get for a new thread of alice's. */
async function eventsOf(
  { api }: TestApi,
  documents: readonly string[],
  metadata: Readonly<Record<string, unknown>> = {},
): Promise<readonly unknown[]> {
  const streams = [];
  for (const document of documents) {
    const stream = await subscribe(api, 'alice', document);
    onTestFinished(() => stream.cancel());
    streams.push(stream);
  }
  await createThread(api, 'alice', metadata);
  return Promise.all(streams.map(async (stream) => (await stream.next())?.data));
}

const COUNT = 'subscription { threadChanged { kind thread { runs { totalCount } } } }';
const COUNT_BY_ALIASES =
  '# Others\nsubscription Count { a: threadChanged { kind: kind b: thread { c: runs { d: totalCount } } } }';

describe('an event for documents that differ only in name and aliases', () => {
  it('should be executed once, and have the response keys of each document', async () => {
    let calls = 0;
    const opened = open((call, work) => {
      if (call.startsWith('runs.count')) calls++;
      return work();
    });
    expect(await eventsOf(opened, [COUNT, COUNT_BY_ALIASES, COUNT])).toEqual([
      { data: { threadChanged: { kind: 'CREATED', thread: { runs: { totalCount: 0 } } } } },
      { data: { a: { kind: 'CREATED', b: { c: { d: 0 } } } } },
      { data: { threadChanged: { kind: 'CREATED', thread: { runs: { totalCount: 0 } } } } },
    ]);
    expect(calls).toBe(1);
  });

  it('should have its errors with the path and the position in each document', async () => {
    const opened = open((call, work) => {
      if (call.startsWith('runs.count')) throw new Error('The disk is full.');
      return work();
    });
    const extensions = { code: 'INTERNAL_SERVER_ERROR' };
    expect(await eventsOf(opened, [COUNT, COUNT_BY_ALIASES])).toMatchObject([
      {
        errors: [
          { path: ['threadChanged', 'thread', 'runs', 'totalCount'], locations: [{ line: 1 }], extensions },
        ],
      },
      { errors: [{ path: ['a', 'b', 'c', 'd'], locations: [{ line: 2 }], extensions }] },
    ]);
  });

  it('should have what clients have stored as it is, numbers and control characters included', async () => {
    const odd = { '\u00010\u0001': '\u0001', '0': '"0":', ü: '\u0001 1 \u0001 \\u0001' };
    const metadata = { ...odd, owner: 'alice' };
    const events = await eventsOf(
      openApi(),
      [
        'subscription { threadChanged { thread { metadata } } }',
        'subscription { x: threadChanged { y: thread { z: metadata } } }',
      ],
      odd,
    );
    expect(events).toEqual([
      { data: { threadChanged: { thread: { metadata } } } },
      { data: { x: { y: { z: metadata } } } },
    ]);
  });

  it('should be a different one where other things differ as well', async () => {
    const events = await eventsOf(openApi(), [
      'subscription { threadChanged { a: kind } }',
      'subscription { threadChanged { a: __typename } }',
      'subscription { threadChanged { a: kind @include(if: false) __typename } }',
      'subscription { threadChanged { thread { ...F } } } fragment F on Thread { a: status }',
      'subscription { threadChanged { thread { ...F } } } fragment F on Thread { __proto__: status }',
    ]);
    expect(events.map((event) => JSON.stringify(event))).toEqual([
      '{"data":{"threadChanged":{"a":"CREATED"}}}',
      '{"data":{"threadChanged":{"a":"ThreadChange"}}}',
      '{"data":{"threadChanged":{"__typename":"ThreadChange"}}}',
      '{"data":{"threadChanged":{"thread":{"a":"IDLE"}}}}',
      '{"data":{"threadChanged":{"thread":{"__proto__":"IDLE"}}}}',
    ]);
  });
});
