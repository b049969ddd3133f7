import { describe, expect, it } from 'vitest';
import { createSubscribers } from '../../../src/subscriptions/subscribers.ts';
import { createThread } from '../../support/requests.ts';
import { until } from '../listen.ts';
import { MULTIPART, SSE } from './formats.ts';
import { openStream, THREADS } from './raw-stream.ts';
import { connectAs } from './socket-client.ts';
import { connect, roundTrip } from './socket-server.ts';

describe('all transports', () => {
  it('should share the quota of an owner', async () => {
    const { api, client, subscribers } = await connect({ subscribers: createSubscribers({ ofOwner: 3 }) });
    const sse = await openStream(api, { accept: SSE.accept });
    const multipart = await openStream(api, { accept: MULTIPART.accept });
    for (const stream of [sse, multipart]) await stream.until(/./s);
    client.subscribe('1', THREADS);
    await until(() => subscribers.count() === 3);
    client.subscribe('2', THREADS);
    const refused = { extensions: { code: 'LIMIT_EXCEEDED' } };
    expect(await client.next()).toMatchObject({ id: '2', type: 'error', payload: [refused] });
    for (const format of [SSE, MULTIPART]) {
      const { text } = await (await openStream(api, { accept: format.accept })).rest();
      expect(format.resultsOf(text)).toMatchObject([{ errors: [refused] }]);
    }
    client.send({ type: 'complete', id: '1' });
    await until(() => subscribers.count() === 2);
    const next = await openStream(api, { accept: SSE.accept });
    expect(await next.until(/./s)).toBe(SSE.start);
  });

  it('should have the same events of an owner, and none of another', async () => {
    const { api, client, port, subscribers } = await connect();
    const bob = await connectAs(port, 'bob');
    const stream = await openStream(api, { accept: SSE.accept });
    await stream.until(/./s);
    for (const each of [client, bob]) each.subscribe('1', THREADS);
    await until(() => subscribers.count() === 3);
    for (const as of ['bob', 'alice', 'bob', '__proto__']) await createThread(api, as);
    const event = { data: { threadChanged: { kind: 'CREATED', thread: { metadata: { owner: 'alice' } } } } };
    expect(await client.next()).toEqual({ id: '1', type: 'next', payload: event });
    expect(SSE.resultsOf(await stream.until(/alice/))).toEqual([event]);
    for (let count = 0; count < 2; count++) {
      expect(await bob.next()).toMatchObject({
        payload: { data: { threadChanged: { thread: { metadata: { owner: 'bob' } } } } },
      });
    }
    await roundTrip(client);
    await roundTrip(bob);
  });
});
