import { readConfig } from '../../../dist/config.js';
import { startServer } from '../../../dist/start-server.js';
import { openFilledStores, threadsToHold } from '../data.ts';

/** The server as `npm start` runs it, with stores that are filled. */
await startServer(readConfig(process.env), {
  open: async (_config, { publish }) => openFilledStores(threadsToHold(), publish),
});
