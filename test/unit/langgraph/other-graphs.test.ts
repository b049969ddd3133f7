import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { entrypoint, getPreviousState, interrupt, task } from '@langchain/langgraph';
import { tool } from '@langchain/core/tools';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { langGraphHandler } from '../../../src/langgraph/langgraph-handler.ts';
import { verifyAgUiEvents } from '../../support/ag-ui.ts';
import { execute } from '../../support/claimed-run.ts';
import { StreamingModel } from '../../support/streaming-model.ts';

it('should execute a prebuilt agent', async () => {
  const model = new StreamingModel([[{ id: 'call-1', name: 'add', args: '{"a":1,"b":2}' }], ['It is 3.']]);
  const add = tool(({ a, b }) => String(a + b), {
    name: 'add',
    description: 'A sum.',
    schema: z.object({ a: z.number(), b: z.number() }),
  });
  const agent = createReactAgent({ llm: model, tools: [add] });
  const executed = await execute(langGraphHandler(agent), {
    input: { messages: [{ role: 'user', content: 'What is 1 + 2?' }] },
  });
  expect(executed.error).toBeNull();
  expect(executed.output).toMatchObject({ messages: [{}, {}, { content: '3' }, { content: 'It is 3.' }] });
  expect(executed.events).toContainEqual(
    expect.objectContaining({ type: 'TOOL_CALL_RESULT', toolCallId: 'call-1', content: '3' }),
  );
  await verifyAgUiEvents(executed.events);
});

it('should execute a workflow of functions', async () => {
  let drafts = 0;
  const draft = task('draft', (topic: string) => {
    drafts++;
    return `About ${topic}.`;
  });
  const workflow = entrypoint('workflow', async ({ topic }: { topic: string }) => {
    const text = await draft(topic);
    const before = getPreviousState<{ text: string }>()?.text ?? 'nothing';
    return { text, approved: interrupt({ text }), before };
  });
  const handler = langGraphHandler(workflow);
  const asked = await execute(handler, { input: { topic: 'bees' } });
  expect(asked.error).toBeNull();
  expect(asked.interrupt?.question).toEqual({ text: 'About bees.' });
  const answered = await execute(handler, {
    values: asked.interrupt?.output ?? null,
    resumes: 'run-0',
    input: { resume: true },
  });
  expect(answered.output).toMatchObject({ text: 'About bees.', approved: true, before: 'nothing' });
  expect(drafts).toBe(1);
  await verifyAgUiEvents(answered.events);
  const next = await execute(handler, { values: answered.saves.at(-1) ?? null, input: { topic: 'wasps' } });
  expect(next.interrupt?.question).toEqual({ text: 'About wasps.' });
});
