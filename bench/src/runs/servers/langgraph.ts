import { startServer } from '@langchain/langgraph-api/server';
import { postMessage } from '../child.ts';
import { GRAPH } from '../graph.ts';

/** LangGraph's JS server with its runs in memory, as `langgraph dev` starts it. */
await startServer({
  host: '127.0.0.1',
  port: Number(process.env['PORT']),
  nWorkers: Number(process.env['LANGGRAPH_WORKERS']),
  cwd: process.cwd(),
  graphs: { [GRAPH]: `${process.env['LANGGRAPH_GRAPH']}:graph` },
});
process.once('disconnect', () => process.exit());
postMessage({ type: 'ready' });
