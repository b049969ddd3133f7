import { describe, expect, it } from 'vitest';
import { openApi } from '../../support/api.ts';
import { testStreams } from './cases.ts';
import { SSE } from './formats.ts';
import { openStream } from './raw-stream.ts';

describe('Server-Sent Events', () => {
  testStreams(SSE);

  it.each([
    null,
    '*/*',
    'text/*',
    'text/event-stream',
    'Text/Event-Stream',
    'text/event-stream;charset=utf-8',
    'text/event-stream; charset="UTF8"',
    'application/json, text/event-stream',
    'application/json, text/event-stream;q=0.001',
    'text/event-stream, multipart/mixed;subscriptionSpec=1.0',
    'text/event-stream;q=0.9, multipart/mixed;subscriptionSpec=1.0;q=0.8',
    'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
    'multipart/mixed;subscriptionSpec=2.0, text/event-stream;q=0.1',
  ])('should be accepted by %s', async (accept) => {
    const stream = await openStream(openApi().api, { accept });
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe(SSE.contentType);
  });

  it.each([
    'application/json',
    'text/event-stream;q=0',
    'text/event-stream;q=0, */*',
    'text/event-stream;q=0.0, text/*',
    'text/event-stream;charset=latin1',
    'text/html, image/*',
    'multipart/mixed',
    'multipart/mixed, application/json',
    'multipart/mixed;subscriptionSpec=2.0',
    'multipart/mixed;deferSpec=20220824',
    'multipart/*;subscriptionSpec=1.0',
  ])('should not be accepted, nor any other stream, by %s', async (accept) => {
    const { api, subscribers } = openApi();
    const response = await openStream(api, { accept });
    expect(response.status).toBe(406);
    expect(response.headers.get('content-type')).toMatch(/^application\/(?:graphql-response\+)?json/);
    expect(JSON.parse((await response.rest()).text)).toMatchObject({
      errors: [
        {
          message: expect.stringContaining('`text/event-stream` or `multipart/mixed;subscriptionSpec=1.0`'),
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ],
    });
    expect(subscribers.count()).toBe(0);
  });

  it.each(['*/*', 'application/json, text/event-stream', 'text/event-stream, application/json;q=0.1'])(
    'should not be the response to a query where JSON is accepted: %s',
    async (accept) => {
      const response = await openStream(openApi().api, { accept, query: '{ threads { totalCount } }' });
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(JSON.parse((await response.rest()).text)).toEqual({ data: { threads: { totalCount: 0 } } });
    },
  );
});
