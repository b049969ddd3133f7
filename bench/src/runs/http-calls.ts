import { Agent, type IncomingMessage, request } from 'node:http';

/** A caller of an HTTP server. */
export interface HttpCaller {
  /** Sends JSON, and reads JSON. @throws for any status but 200 */
  post(path: string, token: string, body: object): Promise<unknown>;
  /** Opens a stream of Server-Sent Events. @param onData called with the JSON of each event, @param onEnd when it is over */
  stream(call: StreamCall, onData: (data: unknown) => void, onEnd: () => void): Promise<void>;
  close(): void;
}

/** A request whose response is a stream. */
export interface StreamCall {
  readonly path: string;
  readonly token: string;
  /** Sent by POST; null for GET. */
  readonly body: object | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls a server over connections that are kept, and streams over one of their own. */
export function httpCaller(url: string): HttpCaller {
  // Shorter than the 5 s of Node.js's servers, so that no connection is reused while its server closes it.
  const agent = new Agent({ keepAlive: true, timeout: 2_000 });

  function open(call: StreamCall, of: Agent | false): Promise<IncomingMessage> {
    const { path, token, body, headers } = call;
    return new Promise((resolve, reject) => {
      const sent = request(`${url}${path}`, {
        method: body === null ? 'GET' : 'POST',
        agent: of,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
      });
      sent.once('error', reject);
      sent.once('response', (response) => {
        if (response.statusCode === 200) resolve(response.setEncoding('utf8'));
        else reject(new Error(`${url}${path} answered with ${response.statusCode}.`));
      });
      sent.end(body === null ? undefined : JSON.stringify(body));
    });
  }

  return {
    async post(path, token, body) {
      const response = await open({ path, token, body }, agent);
      let text = '';
      for await (const chunk of response) text += String(chunk);
      return JSON.parse(text);
    },
    async stream(call, onData, onEnd) {
      const response = await open(
        { ...call, headers: { accept: 'text/event-stream', ...call.headers } },
        false,
      );
      let rest = '';
      response.on('data', (text: string) => {
        const frames = (rest + text).split(/\r?\n\r?\n/);
        rest = frames.pop() ?? '';
        for (const frame of frames) {
          const [, data] = /^data: ?(.*)$/m.exec(frame) ?? [];
          if (data !== undefined && data !== '') onData(JSON.parse(data));
        }
      });
      response.once('close', onEnd);
    },
    close: () => agent.destroy(),
  };
}

/** A part of JSON by its keys; undefined where there is none. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (part, key) => (typeof part === 'object' && part !== null ? Reflect.get(part, key) : undefined),
    value,
  );
}

/** A text of JSON by its keys. @throws where there is none */
export function textAt(value: unknown, ...keys: readonly string[]): string {
  const text = at(value, ...keys);
  if (typeof text === 'string') return text;
  throw new Error(`There is no ${keys.join('.')} in ${JSON.stringify(value).slice(0, 500)}`);
}
