// The scenario worker for graphs of LangGraph in TypeScript. It prints `node <name>` for each node that it executes.
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { AIMessageChunk, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { FakeListChatModel, FakeStreamingChatModel } from '@langchain/core/utils/testing';
import { Annotation, interrupt, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import { z } from 'zod';

const load = (path) => import(pathToFileURL(join('dist', path)).href);
const { createWorker } = await load('worker/create-worker.js');
const { langGraphHandler } = await load('langgraph/langgraph-handler.js');
const { AGENT_GRAPHQL_URL, AGENT_GRAPHQL_TOKENS, LEASE_SECONDS } = process.env;

/** A model that calls the tool `track`. */
function asking(id) {
  const call = { id, name: 'track', args: { parcel: 17 }, type: 'tool_call' };
  return new FakeStreamingChatModel({ chunks: [new AIMessageChunk({ content: '', tool_calls: [call] })] });
}

const answering = new FakeListChatModel({ responses: ['It came.'] });
const track = tool(
  ({ parcel }, { writer }) => {
    writer({ name: 'progress', value: parcel });
    return 'on its way';
  },
  { name: 'track', description: 'Where a parcel is.', schema: z.object({ parcel: z.number() }) },
);
const tools = new StateGraph(MessagesAnnotation)
  .addNode('model', async ({ messages }) => {
    const model = ToolMessage.isInstance(messages.at(-1)) ? answering : asking(`call-${messages.length}`);
    return { messages: [await model.invoke(messages)] };
  })
  .addNode('tools', new ToolNode([track]))
  .addEdge(START, 'model')
  .addConditionalEdges('model', toolsCondition)
  .addEdge('tools', 'model');

const Steps = Annotation.Root({ n: Annotation(), to: Annotation(), pauseMilliseconds: Annotation() });
const steps = new StateGraph(Steps)
  .addNode('step', async ({ n, pauseMilliseconds }) => {
    await sleep(pauseMilliseconds);
    console.log(`node ${n + 1}`);
    return { n: n + 1 };
  })
  .addEdge(START, 'step')
  .addConditionalEdges('step', ({ n, to }) => (n < to ? 'step' : '__end__'));

const Review = Annotation.Root({ drafts: Annotation(), answer: Annotation() });
const approval = new StateGraph(Review)
  .addNode('draft', ({ drafts }) => {
    console.log('node draft');
    return { drafts: drafts + 1 };
  })
  .addNode('approve', () => ({ answer: interrupt('Approve?') }))
  .addEdge(START, 'draft')
  .addEdge('draft', 'approve');
const nested = new StateGraph(Review).addNode('review', approval.compile()).addEdge(START, 'review');

const wait = new StateGraph(Review)
  .addNode('draft', () => ({ drafts: 1 }))
  .addNode('wait', async (_, { signal }) => {
    console.log('node wait');
    if (!signal.aborted) await once(signal, 'abort');
    console.log('node stopped');
    return {};
  })
  .addEdge(START, 'draft')
  .addEdge('draft', 'wait');

await createWorker({
  url: AGENT_GRAPHQL_URL,
  token: AGENT_GRAPHQL_TOKENS,
  leaseSeconds: Number(LEASE_SECONDS),
  graphs: Object.fromEntries(
    Object.entries({ tools, steps, approval, nested, wait }).map(([name, graph]) => [
      name,
      langGraphHandler(graph.compile()),
    ]),
  ),
  report(report) {
    if (report.type === 'FAILED') console.error(report.error);
  },
}).run();
