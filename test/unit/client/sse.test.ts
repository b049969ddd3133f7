import { describe, expect, it } from 'vitest';
import { readServerSentEvents } from '../../../src/client/sse.ts';

/** What is read of a body that comes in these chunks. */
async function read(...chunks: readonly (string | Uint8Array)[]) {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) {
        controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk);
      }
      controller.close();
    },
  });
  const events: unknown[] = [];
  for await (const event of readServerSentEvents(body, () => {})) events.push(event);
  return events;
}

describe('a reader of Server-Sent Events', () => {
  it('should read events wherever the chunks end, and skip comments', async () => {
    const text = ':\n\nevent: next\ndata: {"ä":1}\n\n:\n\nevent: complete\ndata:\n\n';
    const expected = [
      { event: 'next', data: '{"ä":1}' },
      { event: 'complete', data: '' },
    ];
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at <= bytes.length; at++) {
      expect(await read(bytes.slice(0, at), bytes.slice(at))).toEqual(expected);
    }
  });

  it('should join lines of data, and take CRLF and fields without a space', async () => {
    expect(await read('data:a\r\ndata: b\r\nid: 7\r\n\r\n')).toEqual([{ event: 'message', data: 'a\nb' }]);
  });

  it('should not give an event that was cut', async () => {
    expect(await read('event: next\ndata: 1\n\nevent: next\ndata: {"a"')).toEqual([
      { event: 'next', data: '1' },
    ]);
  });
});
