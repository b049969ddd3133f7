import { EventType } from '@ag-ui/core';
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createUiChunks } from '../../../src/ai-sdk/ui-chunks.ts';
import type { AgUiEvent } from '../../../src/client/event-types.ts';
import { createRunToAgUi } from '../../../src/client/run-to-ag-ui.ts';

const RUN = { id: 'run', threadId: 'thread' };

/** The message that a chat assembles of what a worker sends. Rejects where the chat would fail. */
async function assembled(sent: readonly AgUiEvent[]): Promise<UIMessage['parts']> {
  const toAgUi = createRunToAgUi(RUN, { threadId: 't', runId: 'r', start: null, restores: false });
  const toChunks = createUiChunks('m', []);
  const events = sent.flatMap(({ type, ...data }, index) =>
    toAgUi.map({ seq: index + 1, attempt: 1, type, data, at: '2026-01-01T00:00:00.000Z' }),
  );
  const chunks = [...events, ...toAgUi.end({ status: 'SUCCESS' })].flatMap(toChunks);
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  let failure: unknown = null;
  let message: UIMessage | undefined;
  const onError = (error: unknown): void => void (failure = error);
  for await (const read of readUIMessageStream({ stream, onError })) message = read;
  if (failure !== null) throw failure;
  return message?.parts ?? [];
}

describe("a run's chunks for the AI SDK", () => {
  it('should assemble chunks of AG-UI, each to its own end', async () => {
    expect(
      await assembled([
        { type: 'TEXT_MESSAGE_CHUNK', messageId: 'm1', role: 'assistant', delta: 'One ' },
        { type: 'TEXT_MESSAGE_CHUNK', delta: 'two' },
        { type: 'TOOL_CALL_CHUNK', toolCallId: 't1', toolCallName: 'find', delta: '{"a":' },
        { type: 'TOOL_CALL_CHUNK', delta: '1}' },
        { type: 'TOOL_CALL_CHUNK', toolCallId: 't2', toolCallName: 'buy' },
        { type: 'TEXT_MESSAGE_CHUNK', messageId: 'm2', delta: 'three' },
        { type: 'REASONING_MESSAGE_CHUNK', messageId: 'm3', delta: 'Hm' },
      ]),
    ).toMatchObject([
      { type: 'text', text: 'One two', state: 'done' },
      { type: 'tool-find', toolCallId: 't1', state: 'input-available', input: { a: 1 } },
      { type: 'tool-buy', toolCallId: 't2', state: 'input-available', input: {} },
      { type: 'text', text: 'three', state: 'done' },
      { type: 'reasoning', text: 'Hm', state: 'done' },
    ]);
  });

  it('should say that the arguments of a tool call are not JSON', async () => {
    expect(
      await assembled([
        { type: 'TOOL_CALL_START', toolCallId: 't1', toolCallName: 'find' },
        { type: 'TOOL_CALL_ARGS', toolCallId: 't1', delta: '{"a":' },
      ]),
    ).toMatchObject([{ type: 'tool-find', state: 'output-error', rawInput: '{"a":' }]);
  });

  it("should leave out messages that are not the assistant's, and results of calls that it does not have", async () => {
    expect(
      await assembled([
        { type: 'TEXT_MESSAGE_START', messageId: 'm1', role: 'user' },
        { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm1', delta: 'Hello' },
        { type: 'TEXT_MESSAGE_END', messageId: 'm1' },
        { type: 'TOOL_CALL_RESULT', toolCallId: 'other', messageId: 'm2', content: 'ok' },
        { type: 'STEP_STARTED', stepName: 'search' },
        { type: 'STEP_FINISHED', stepName: 'search' },
      ]),
    ).toMatchObject([{ type: 'data-step', id: 'search', data: { stepName: 'search', isFinished: true } }]);
  });

  it('should be read whatever a worker sends, in whatever order', async () => {
    const event = fc
      .record({
        type: fc.constantFrom(...Object.values(EventType), 'OTHER'),
        name: fc.constantFrom('a', 'b'),
      })
      .map(({ type, name }): AgUiEvent => {
        const ids = { messageId: name, toolCallId: name, stepName: name, toolCallName: 'tool' };
        return { type, ...ids, delta: '{}', content: 'ok', name: 'custom', snapshot: {} };
      });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
        expect(await assembled(events)).toBeInstanceOf(Array);
      }),
    );
  });
});
