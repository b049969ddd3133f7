import { tool } from '@langchain/core/tools';
import { AIMessage } from '@langchain/core/messages';
import {
  Annotation,
  type LangGraphRunnableConfig,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { langGraphHandler } from '../../../src/langgraph/langgraph-handler.ts';
import { verifyAgUiEvents } from '../../support/ag-ui.ts';
import { type Executed, execute } from '../../support/claimed-run.ts';
import { StreamingModel } from '../../support/streaming-model.ts';

const Values = Annotation.Root({
  words: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

/** Types of events with what tells them apart, without snapshots. */
function briefly({ events }: Executed): readonly string[] {
  return events
    .filter(({ type }) => type !== 'STATE_SNAPSHOT')
    .map(({ type, stepName, delta, toolCallName, content }) =>
      [type, stepName ?? delta ?? toolCallName ?? content].filter(Boolean).join(' '),
    );
}

it('should stream the words, tool calls and results of a loop with tools', async () => {
  const model = new StreamingModel([
    ['Let me ', 'look.', { id: 'call-1', name: 'weather', args: '{"city"' }, { args: ':"Paris"}' }],
    ['It is ', 'sunny.'],
  ]);
  const weather = tool(({ city }) => `sunny in ${city}`, {
    name: 'weather',
    description: 'The weather.',
    schema: z.object({ city: z.string() }),
  });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode('tools', new ToolNode([weather]))
    .addEdge(START, 'model')
    .addConditionalEdges('model', toolsCondition)
    .addEdge('tools', 'model')
    .compile();

  const input = { messages: [{ role: 'user', content: 'How is the weather in Paris?' }] };
  const executed = await execute(langGraphHandler(graph), { input });

  expect(executed.error).toBeNull();
  expect(briefly(executed)).toEqual([
    'STEP_STARTED model',
    'TEXT_MESSAGE_START',
    'TEXT_MESSAGE_CONTENT Let me ',
    'TEXT_MESSAGE_CONTENT look.',
    'TOOL_CALL_START weather',
    'TOOL_CALL_ARGS {"city"',
    'TOOL_CALL_ARGS :"Paris"}',
    'TEXT_MESSAGE_END',
    'TOOL_CALL_END',
    'STEP_FINISHED model',
    'STEP_STARTED tools',
    'TOOL_CALL_RESULT sunny in Paris',
    'STEP_FINISHED tools',
    'STEP_STARTED model',
    'TEXT_MESSAGE_START',
    'TEXT_MESSAGE_CONTENT It is ',
    'TEXT_MESSAGE_CONTENT sunny.',
    'TEXT_MESSAGE_END',
    'STEP_FINISHED model',
  ]);
  await verifyAgUiEvents(executed.events);
  const ids = executed.events.map(({ toolCallId }) => toolCallId).filter(Boolean);
  expect(new Set(ids)).toEqual(new Set(['call-1']));
  expect(executed.output).toMatchObject({
    messages: [{ type: 'human' }, { type: 'ai' }, { type: 'tool' }, { type: 'ai', content: 'It is sunny.' }],
  });
});

it('should send a message that came whole, with its tool calls', async () => {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', () => ({
      messages: [
        new AIMessage({
          id: 'm-1',
          content: 'Hello',
          tool_calls: [{ id: 'c-1', name: 'f', args: { a: 1 } }],
        }),
      ],
    }))
    .addEdge(START, 'model')
    .compile();
  const executed = await execute(langGraphHandler(graph), { input: { messages: [] } });
  const about = { toolCallId: 'c-1' };
  expect(executed.events.filter(({ type }) => type.startsWith('T'))).toEqual([
    { type: 'TEXT_MESSAGE_START', messageId: 'm-1', role: 'assistant' },
    { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm-1', delta: 'Hello' },
    { type: 'TOOL_CALL_START', ...about, toolCallName: 'f', parentMessageId: 'm-1' },
    { type: 'TOOL_CALL_ARGS', ...about, delta: '{"a":1}' },
    { type: 'TEXT_MESSAGE_END', messageId: 'm-1' },
    { type: 'TOOL_CALL_END', ...about },
  ]);
  await verifyAgUiEvents(executed.events);
});

it('should send the steps of subgraphs beneath those that call them', async () => {
  const inner = new StateGraph(Values)
    .addNode('search', () => ({ words: ['found'] }))
    .addEdge(START, 'search')
    .compile();
  const graph = new StateGraph(Values).addNode('research', inner).addEdge(START, 'research').compile();
  const executed = await execute(langGraphHandler(graph), { input: { words: ['find'] } });
  expect(briefly(executed)).toEqual([
    'STEP_STARTED research',
    'STEP_STARTED research/search',
    'STEP_FINISHED research/search',
    'STEP_FINISHED research',
  ]);
  await verifyAgUiEvents(executed.events);
});

it('should send parallel tasks of one node as one step', async () => {
  const graph = new StateGraph(Values)
    .addNode('each', ({ words }) => ({ words: words.map((word) => word.toUpperCase()) }))
    .addConditionalEdges(START, ({ words }) => words.map((word) => new Send('each', { words: [word] })))
    .compile();
  const executed = await execute(langGraphHandler(graph), { input: { words: ['a', 'b', 'c'] } });
  expect(briefly(executed)).toEqual(['STEP_STARTED each', 'STEP_FINISHED each']);
  expect(executed.output).toMatchObject({ words: ['a', 'b', 'c', 'A', 'B', 'C'] });
  await verifyAgUiEvents(executed.events);
});

it('should send what nodes write, and say what is too large to be sent', async () => {
  const graph = new StateGraph(Values)
    .addNode('write', (_: typeof Values.State, { writer }: LangGraphRunnableConfig) => {
      writer?.({ name: 'progress', value: 0.5 });
      writer?.('anything');
      return {};
    })
    .addEdge(START, 'write')
    .compile();
  const events: object[] = [];
  const executed = await execute(langGraphHandler(graph), {
    input: { words: [] },
    async emit(type, data = {}) {
      if (type === 'STATE_SNAPSHOT') throw new TypeError('`data` is too large.');
      if (type === 'CUSTOM') events.push(data);
    },
  });
  expect(executed.error).toBeNull();
  const dropped = { type: 'STATE_SNAPSHOT', reason: '`data` is too large.' };
  expect(events).toEqual([
    { name: 'langgraph.dropped', value: dropped },
    { name: 'progress', value: 0.5 },
    { name: 'langgraph', value: 'anything' },
  ]);
});

it('should cut long texts into parts that fit into events', async () => {
  const text = '🙂'.repeat(30_000);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', () => ({ messages: [new AIMessage(text)] }))
    .addEdge(START, 'model')
    .compile();
  const { events } = await execute(langGraphHandler(graph, { snapshots: false }), {
    input: { messages: [] },
  });
  const deltas = events.map(({ delta }) => delta).filter((delta) => typeof delta === 'string');
  expect(deltas.join('')).toBe(text);
  expect(Math.max(...deltas.map((delta) => Buffer.byteLength(delta)))).toBeLessThan(65_000);
  expect(events.map(({ type }) => type)).not.toContain('STATE_SNAPSHOT');
});

it('should end the steps and messages that a failure breaks off', async () => {
  const model = new StreamingModel([['Hel', 'lo']]);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }) => {
      await model.invoke(messages);
      throw new Error('The line is dead.');
    })
    .addEdge(START, 'model')
    .compile();
  const executed = await execute(langGraphHandler(graph), { input: { messages: [] } });
  expect(executed.error).toMatchObject({ message: 'The line is dead.' });
  expect(briefly(executed).slice(-2)).toEqual(['TEXT_MESSAGE_END', 'STEP_FINISHED model']);
  await verifyAgUiEvents(executed.events);
});
