/** An event of a stream of Server-Sent Events. */
export interface ServerSentEvent {
  /** `message` where the stream names none. */
  readonly event: string;
  /** Its lines of data; empty where it has none. */
  readonly data: string;
}

/**
 * Reads Server-Sent Events: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 * Comments are skipped. It ends with the body, and throws where the body is cut.
 * @param onChunk called for whatever arrives, pings included
 */
export async function* readServerSentEvents(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  let event = 'message';
  let data: string[] = [];
  let isEmpty = true;
  for await (const line of readLines(body, onChunk)) {
    if (line === '') {
      if (!isEmpty) yield { event, data: data.join('\n') };
      event = 'message';
      data = [];
      isEmpty = true;
      continue;
    }
    const [, name = '', value = ''] = FIELD.exec(line) ?? [];
    if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
    else continue;
    isEmpty = false;
  }
}

/** A comment has no name. */
const FIELD = /^([^:]*)(?:: ?(.*))?$/s;

async function* readLines(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
): AsyncGenerator<string, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onChunk();
      const lines = (text + decoder.decode(value, { stream: true })).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
  } finally {
    reader.releaseLock();
  }
}
