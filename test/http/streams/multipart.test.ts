import { describe, expect, it } from 'vitest';
import { openApi } from '../../support/api.ts';
import { testStreams } from './cases.ts';
import { MULTIPART } from './formats.ts';
import { openStream } from './raw-stream.ts';

describe('multipart streams', () => {
  testStreams(MULTIPART);

  it.each([
    'multipart/mixed;subscriptionSpec=1.0',
    'multipart/mixed; subscriptionSpec="1.0"',
    'Multipart/Mixed;SUBSCRIPTIONSPEC=1.0',
    'multipart/mixed;subscriptionSpec=1.0;charset=UTF8',
    'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9',
    'multipart/mixed;subscriptionSpec=1.0, */*;q=0.1',
    'text/event-stream;q=0.5, multipart/mixed;subscriptionSpec=1.0',
    'text/event-stream;q=0, multipart/mixed;subscriptionSpec=1.0;q=0.001',
  ])('should be accepted by %s', async (accept) => {
    const stream = await openStream(openApi().api, { accept });
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe(MULTIPART.contentType);
  });

  it('should not be accepted with a quality of 0', async () => {
    const stream = await openStream(openApi().api, {
      accept: 'multipart/mixed;subscriptionSpec=1.0;q=0, */*',
    });
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  });

  it('should have a boundary between parts that can be read as soon as they are sent', async () => {
    const { api } = openApi();
    const stream = await openStream(api, { accept: MULTIPART.accept, query: '{ __typename }' });
    expect((await stream.rest()).text.split('\r\n')).toEqual([
      '',
      '--graphql',
      'Content-Type: application/json',
      '',
      '{"payload":{"data":{"__typename":"Query"}}}',
      '--graphql--',
      '',
    ]);
  });
});
