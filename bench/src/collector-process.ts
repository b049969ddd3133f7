import { createServer } from 'node:http';

/** A stub of an OpenTelemetry collector: accepts all spans and drops them. Counts their bytes by path. */
const bytes = new Map<string, number>();

const server = createServer((request, response) => {
  const path = request.url ?? '';
  request.on('data', (chunk: Buffer) => bytes.set(path, (bytes.get(path) ?? 0) + chunk.length));
  request.once('end', () => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address !== null ? address.port : null);
});
process.on('message', (path: string) => process.send?.(bytes.get(path) ?? 0));
process.once('disconnect', () => process.exit());
