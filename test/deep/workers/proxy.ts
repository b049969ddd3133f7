import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const Lease = z.object({ held: z.boolean() });
const Payload = z.object({
  lease: Lease.nullish(),
  leases: z.array(Lease).nullish(),
  claims: z.array(z.object({ lease: z.string(), runId: z.string() })).nullish(),
});
const Result = z.object({ data: z.record(z.string(), Payload.nullable()).nullish() });
const Input = z.object({ lease: z.string().optional(), leases: z.array(z.string()).optional() });
const Body = z.object({ query: z.string(), variables: z.record(z.string(), Input) });

/** A call of a worker that has come through the proxy. A request has one, or several under aliases. */
export interface ProxiedCall {
  /** The mutation: `claimRuns`, `finishRun` … */
  readonly name: string;
  /** The leases that it was sent with. */
  readonly leases: readonly string[];
  /** What the server answered; null until then, and where it did not. */
  payload: z.infer<typeof Payload> | null;
  /** The leases of which the server answered that they are not held. */
  lost: readonly string[];
}

/** A proxy between a worker and its server. */
export interface Proxy {
  readonly port: number;
  /** The calls in the order in which they came. */
  readonly calls: readonly ProxiedCall[];
  close(): Promise<void>;
}

/**
 * Starts a proxy, which records a worker's calls.
 * @param port where the server listens
 * @param losesAnswer whether the answer of a call is lost: the server has done what it was asked for, and the connection
 * breaks off. Default: none.
 */
export async function startProxy(
  port: number,
  losesAnswer: (call: ProxiedCall) => boolean = () => false,
): Promise<Proxy> {
  const calls: ProxiedCall[] = [];

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const sent = callsOf(body);
    calls.push(...sent);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const { authorization = '', accept = '*/*' } = request.headers;
    const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization, accept },
      body,
      signal: gone.signal,
    });
    const result = await answer.text();
    const payloads = Object.values(Result.parse(JSON.parse(result)).data ?? {});
    for (const [index, call] of sent.entries()) {
      call.payload = payloads[index] ?? null;
      call.lost = lostOf(call);
    }
    if (sent.some(losesAnswer)) response.destroy();
    else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(result);
  }

  const server = createServer((request, response) => {
    // The worker or the server has gone away.
    forward(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    calls,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** The calls of a request, in the order of their variables, which is that of its fields. */
function callsOf(body: string): readonly ProxiedCall[] {
  const { query, variables } = Body.parse(JSON.parse(body));
  const mutation = /\b(?:claim|heartbeat|release)Runs\b|\b(?:checkpoint|finish)Run\b|\bappendRunEvents\b/;
  const name = mutation.exec(query)?.[0] ?? '';
  return Object.values(variables).map(({ lease, leases = [] }) => {
    return { name, leases: lease === undefined ? leases : [lease], payload: null, lost: [] };
  });
}

function lostOf({ leases, payload }: ProxiedCall): readonly string[] {
  const states = payload?.leases ?? [payload?.lease];
  return leases.filter((_, index) => states[index]?.held === false);
}
