import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/**
 * A minimal `node:http` server that holds responses open: the baseline for the memory of a waiting claim and of an open
 * stream. It verifies no token, and has no runs. The headers are this server's.
 */
const WAIT = 10_000;
const STALL_TIME = 36_000;
const KEEP_ALIVE_TIME = 75_000;
const COMMON = ['X-Content-Type-Options', 'nosniff', 'X-Request-Id', '00000000-0000-4000-8000-000000000000'];
const CLAIMED = '{"data":{"claimRuns":{"claims":[],"userErrors":[]}}}';
const BATCH = '{"data":{"runEvents":{"events":[],"last":0,"status":"PENDING","done":false}}}';

const held = new Set<ServerResponse>();

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_TIME }, (request, response) => {
  request.resume().once('end', () => hold(request, response));
});
server.timeout = STALL_TIME;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`http://localhost:${address?.port}/graphql`);
});

function hold({ headers }: IncomingMessage, response: ServerResponse): void {
  held.add(response);
  response.once('close', () => held.delete(response));
  if (headers.accept === 'text/event-stream') sendBatch(response);
  else setTimeout(() => answer(response), WAIT);
}

function sendBatch(response: ServerResponse): void {
  const type = ['Content-Type', 'text/event-stream; charset=utf-8'];
  const stream = ['Cache-Control', 'no-cache, no-transform', 'X-Accel-Buffering', 'no', 'Vary', 'Origin'];
  response.writeHead(200, [...COMMON, ...type, ...stream]);
  response.write(`event: next\ndata: ${BATCH}\n\n`);
}

function answer(response: ServerResponse): void {
  const type = ['Content-Type', 'application/json; charset=utf-8', 'Vary', 'Origin'];
  response.writeHead(200, [...COMMON, ...type, 'Content-Length', String(CLAIMED.length)]).end(CLAIMED);
}
