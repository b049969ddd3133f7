import { httpCaller, textAt } from '../http-calls.ts';
import { readTokens } from '../token-of.ts';
import { startServerChild, startWorkerChild } from './start.ts';
import type { RunsSetting, RunsSystem } from './system.ts';

/** A queue in an array over `node:http`. */
export async function startByHand(setting: RunsSetting): Promise<RunsSystem> {
  const { server, url } = await startServerChild(setting, { file: './servers/by-hand.js' });
  const caller = httpCaller(url);
  const tokenOf = (owner: number): string => setting.tokens[owner] ?? '';
  return {
    name: 'by hand',
    server,
    create: async (job, owner = 0) =>
      textAt(await caller.post('/create', tokenOf(owner), { input: job }), 'id'),
    startWorker: () => startWorkerChild(setting, 'by-hand', { SERVER_URL: url }),
    settle: (lastEnd) => Promise.resolve(lastEnd),
    read: (id, owner, { onToken, onEnd }) =>
      caller.stream(
        { path: '/stream', token: tokenOf(owner), body: { id } },
        (events) => readTokens(events, onToken),
        onEnd,
      ),
    async stop() {
      caller.close();
      await server.stop();
    },
  };
}
