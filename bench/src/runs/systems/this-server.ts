import { readFileSync } from 'node:fs';
import { GRAPH } from '../graph.ts';
import { at, httpCaller, textAt } from '../http-calls.ts';
import { readTokens } from '../token-of.ts';
import { startServerChild, startWorkerChild } from './start.ts';
import type { RunsSetting, RunsSystem } from './system.ts';

const CREATE_ASSISTANT =
  'mutation ($input: CreateAssistantInput!) { createAssistant(input: $input) { assistant { id } userErrors { message } } }';
const CREATE =
  'mutation ($input: CreateRunInput!) { createRun(input: $input) { run { id } userErrors { message } } }';
const EVENTS = 'subscription ($id: ID!) { runEvents(runId: $id) { events { type data } last done } }';
const PACKAGE = new URL('../../../../package.json', import.meta.url);

/** This server as `npm start` runs it. @param databaseUrl null for memory */
export async function startThisServer(
  name: string,
  setting: RunsSetting,
  databaseUrl: string | null,
): Promise<RunsSystem> {
  const { scripts }: { scripts: { start: string } } = JSON.parse(readFileSync(PACKAGE, 'utf8'));
  const { server, url } = await startServerChild(setting, {
    file: '../../../dist/bundle/server.js',
    flags: scripts.start.split(' ').filter((word) => word.startsWith('--')),
    ...(databaseUrl !== null && { env: { DATABASE_URL: databaseUrl } }),
  });
  const caller = httpCaller(url);
  const send = (token: string, query: string, input: object): Promise<unknown> =>
    caller.post('/graphql', token, { query, variables: { input } });
  const assistants = await Promise.all(
    setting.tokens.map(async (token) =>
      textAt(
        await send(token, CREATE_ASSISTANT, { graphId: GRAPH }),
        'data',
        'createAssistant',
        'assistant',
        'id',
      ),
    ),
  );
  return {
    name,
    server,
    async create(job, owner = 0) {
      const input = { assistantId: assistants[owner], input: job };
      return textAt(await send(setting.tokens[owner] ?? '', CREATE, input), 'data', 'createRun', 'run', 'id');
    },
    startWorker: () => startWorkerChild(setting, 'this-server', { SERVER_URL: url }),
    settle: (lastEnd) => Promise.resolve(lastEnd),
    read(id, owner, { onToken, onEnd }) {
      const body = { query: EVENTS, variables: { id } };
      return caller.stream(
        { path: '/graphql', token: setting.tokens[owner] ?? '', body },
        (data) => readTokens(at(data, 'data', 'runEvents', 'events'), onToken),
        onEnd,
      );
    },
    async stop() {
      caller.close();
      await server.stop();
    },
  };
}
