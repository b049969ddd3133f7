import { once } from 'node:events';
import { createServer } from 'node:http';

/** A span as it was sent. */
export interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly status: { readonly code: number };
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<SentSpan, 'attributes'> & {
        readonly attributes: readonly Attribute[];
      })[];
    }[];
  }[];
}

/** A collector of OpenTelemetry's, as far as spans in JSON go: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export async function openCollector() {
  const bodies: string[] = [];
  let hangs = false;
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      if (hangs) return;
      if (request.url === '/base/v1/traces') bodies.push(body);
      response.writeHead(200, { 'Content-Type': 'application/json', Connection: 'close' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const sent = () => bodies.flatMap((body) => parse(body).resourceSpans);

  return {
    endpoint: `http://127.0.0.1:${port}/base`,
    /** Answers nothing from now on. */
    hang() {
      hangs = true;
    },
    /** All that came, as text. */
    text: () => bodies.join('\n'),
    /** What the spans say of where they come from. */
    resources: () => sent().map(({ resource }) => byKey(resource.attributes)),
    spans: (): SentSpan[] =>
      sent()
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap(({ spans }) => spans)
        .map((span) => ({ ...span, attributes: byKey(span.attributes) })),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function parse(body: string): Sent {
  return JSON.parse(body);
}

function byKey(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));
}
