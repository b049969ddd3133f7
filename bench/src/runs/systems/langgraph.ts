import { fileURLToPath } from 'node:url';
import { GRAPH } from '../graph.ts';
import { httpCaller, textAt } from '../http-calls.ts';
import { tokenIn } from '../token-of.ts';
import { startServerChild } from './start.ts';
import type { RunsSetting, RunsSystem } from './system.ts';

/** LangGraph's JS server. @param workers how many runs it executes at once: 10 in `langgraph dev` */
export async function startLangGraph(setting: RunsSetting, workers: number): Promise<RunsSystem> {
  const { server, url } = await startServerChild(setting, {
    file: './servers/langgraph.js',
    cwd: setting.folder,
    env: {
      LANGGRAPH_WORKERS: String(workers),
      LANGGRAPH_GRAPH: fileURLToPath(new URL('../servers/langgraph-graph.js', import.meta.url)),
    },
  });
  const caller = httpCaller(url);
  return {
    name: 'LangGraph’s JS server',
    server,
    async create(job) {
      const run = await caller.post('/runs', '', {
        assistant_id: GRAPH,
        input: job,
        stream_mode: ['custom'],
        // What two readers of one run need: without it each token goes to one of them.
        stream_resumable: true,
        on_completion: 'keep',
      });
      return textAt(run, 'run_id');
    },
    startWorker: null,
    settle: (lastEnd) => Promise.resolve(lastEnd),
    read: (id, _owner, { onToken, onEnd }) =>
      caller.stream(
        { path: `/runs/${id}/stream`, token: '', body: null, headers: { 'last-event-id': '-1' } },
        (data) => {
          const token = tokenIn(data);
          if (token !== null) onToken(token);
        },
        onEnd,
      ),
    async stop() {
      caller.close();
      await server.stop();
    },
  };
}
