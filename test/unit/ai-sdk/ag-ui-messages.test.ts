import type { UIMessage } from 'ai';
import { RunAgentInputSchema } from '@ag-ui/core/schemas';
import { describe, expect, it } from 'vitest';
import { toAgUiMessages } from '../../../src/ai-sdk/ag-ui-messages.ts';

/** The messages, which AG-UI accepts. */
function converted(...messages: readonly UIMessage[]): readonly unknown[] {
  const result = toAgUiMessages(messages);
  RunAgentInputSchema.parse({ threadId: 't', runId: 'r', messages: result });
  return result;
}

describe("a chat's messages, as AG-UI's", () => {
  it('should have the texts of users and of the system', () => {
    const text = { type: 'text', text: 'Hello' } as const;
    expect(
      converted(
        { id: 's', role: 'system', parts: [text] },
        { id: 'u', role: 'user', parts: [text, { type: 'text', text: '!' }] },
      ),
    ).toEqual([
      { id: 's', role: 'system', content: 'Hello' },
      { id: 'u', role: 'user', content: 'Hello!' },
    ]);
  });

  it('should have files by what they are', () => {
    const urls = [
      ['audio/mpeg', 'https://files/a.mp3', { type: 'url', value: 'https://files/a.mp3' }],
      ['video/mp4', 'data:video/mp4;base64,AAAA', { type: 'data', value: 'AAAA' }],
      ['application/pdf', 'https://files/d.pdf', { type: 'url', value: 'https://files/d.pdf' }],
    ] as const;
    const parts = urls.map(([mediaType, url]) => ({ type: 'file' as const, mediaType, url }));
    expect(converted({ id: 'u', role: 'user', parts: [{ type: 'text', text: 'See' }, ...parts] })).toEqual([
      {
        id: 'u',
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          ...urls.map(([mimeType, , source], index) => ({
            type: ['audio', 'video', 'document'][index],
            source: { ...source, mimeType },
          })),
        ],
      },
    ]);
  });

  it('should have a message for each turn of an answer, with the results of its tool calls after it', () => {
    const message: UIMessage = {
      id: 'a',
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'Hm' },
        { type: 'text', text: 'First ' },
        { type: 'text', text: 'this.' },
        { type: 'tool-find', toolCallId: 't1', state: 'output-available', input: { a: 1 }, output: { b: 2 } },
        {
          type: 'dynamic-tool',
          toolName: 'buy',
          toolCallId: 't2',
          state: 'output-error',
          input: {},
          errorText: 'Sold.',
        },
        { type: 'data-state', data: {} },
        { type: 'text', text: 'Then that.' },
        { type: 'tool-ask', toolCallId: 't3', state: 'input-available', input: undefined },
      ],
    };
    expect(converted(message)).toEqual([
      {
        id: 'a',
        role: 'assistant',
        content: 'First this.',
        toolCalls: [call('t1', 'find', '{"a":1}'), call('t2', 'buy', '{}')],
      },
      { id: 't1-result', role: 'tool', toolCallId: 't1', content: '{"b":2}' },
      { id: 't2-result', role: 'tool', toolCallId: 't2', content: '', error: 'Sold.' },
      { id: 'a-2', role: 'assistant', content: 'Then that.', toolCalls: [call('t3', 'ask', '{}')] },
    ]);
  });
});

function call(id: string, name: string, args: string) {
  return { id, type: 'function', function: { name, arguments: args } };
}
