import { readConfig } from './config.ts';
import { startError, startServer } from './start-server.ts';

try {
  await startServer(readConfig(process.env));
} catch (error) {
  const line = startError(error);
  if (line === null) throw error;
  // Not by itself: one of two ports may be open.
  process.stderr.write(`${line}\n`, () => process.exit(1));
}
