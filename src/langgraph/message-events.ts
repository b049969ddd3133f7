import { isObject } from '../lib/is-object.ts';
import type { JsonObject } from '../worker/claimed-run.ts';
import type { Emit } from './emit.ts';
import { jsonObjectOf, jsonValueOf } from './json-value.ts';

/** An event has 64 KiB at most, and a character up to six bytes as JSON. */
const MAX_DELTA = 10_000;

/** A message that is being sent. */
interface OpenMessage {
  readonly id: string;
  readonly taskId: string;
  hasText: boolean;
  /** The ids of its tool calls, by index. */
  readonly calls: Map<unknown, string>;
}

/** The events of AG-UI for the messages that a graph streams. */
export interface MessageEvents {
  /** @param message a message, or the next chunk of one @param metadata of the stream mode `messages` */
  send(message: unknown, metadata: unknown): Promise<void>;
  /** Ends the messages of a task. */
  endTask(taskId: string): Promise<void>;
  endAll(): Promise<void>;
}

/** Translates messages. A message that comes in chunks ends with its task. */
export function createMessageEvents(emit: Emit): MessageEvents {
  const open = new Map<string, OpenMessage>();

  function opened(id: string, taskId: string): OpenMessage {
    const message = open.get(id) ?? { id, taskId, hasText: false, calls: new Map<unknown, string>() };
    open.set(id, message);
    return message;
  }

  async function sendText(message: OpenMessage, text: string): Promise<void> {
    if (text === '') return;
    if (!message.hasText) await emit('TEXT_MESSAGE_START', { messageId: message.id, role: 'assistant' });
    message.hasText = true;
    for (const delta of partsOf(text)) await emit('TEXT_MESSAGE_CONTENT', { messageId: message.id, delta });
  }

  async function sendToolCall(message: OpenMessage, call: JsonObject, position: number): Promise<void> {
    const { index = position, id, name, args } = call;
    let toolCallId = message.calls.get(index);
    if (toolCallId === undefined || (typeof id === 'string' && id !== toolCallId)) {
      if (toolCallId !== undefined) await emit('TOOL_CALL_END', { toolCallId });
      toolCallId = typeof id === 'string' ? id : `${message.id}-${String(index)}`;
      message.calls.set(index, toolCallId);
      const toolCallName = typeof name === 'string' ? name : '';
      await emit('TOOL_CALL_START', { toolCallId, toolCallName, parentMessageId: message.id });
    }
    for (const delta of partsOf(textOf(args))) await emit('TOOL_CALL_ARGS', { toolCallId, delta });
  }

  async function end(message: OpenMessage): Promise<void> {
    open.delete(message.id);
    if (message.hasText) await emit('TEXT_MESSAGE_END', { messageId: message.id });
    for (const toolCallId of message.calls.values()) await emit('TOOL_CALL_END', { toolCallId });
  }

  async function endAll(which: (message: OpenMessage) => boolean): Promise<void> {
    for (const message of [...open.values()].filter(which)) await end(message);
  }

  return {
    async send(given, metadata) {
      const message = jsonObjectOf(given);
      const {
        type,
        content,
        tool_call_id: toolCallId,
        tool_call_chunks: chunks,
        tool_calls: calls,
      } = message;
      const id = String(message['id'] ?? toolCallId);
      if (type === 'tool') {
        const result = {
          messageId: id,
          toolCallId: String(toolCallId),
          content: textOf(content),
          role: 'tool',
        };
        return emit('TOOL_CALL_RESULT', result);
      }
      if (type !== 'ai') return;
      const target = opened(id, taskIdOf(metadata));
      await sendText(target, textOf(content));
      const isChunk = Array.isArray(chunks);
      const parts = isChunk && chunks.length > 0 ? chunks : listOf(calls);
      for (const [position, call] of parts.entries()) {
        if (isObject(call)) await sendToolCall(target, call, position);
      }
      if (!isChunk) await end(target);
    },
    endTask: (taskId) => endAll((message) => message.taskId === taskId),
    endAll: () => endAll(() => true),
  };
}

/** The id of the task that a message comes from: the last part of its namespace is `node:id`. */
function taskIdOf(metadata: unknown): string {
  const { langgraph_checkpoint_ns: inner, checkpoint_ns: outer } = isObject(metadata) ? metadata : {};
  const namespace = inner ?? outer;
  return typeof namespace === 'string' ? namespace.slice(namespace.lastIndexOf(':') + 1) : '';
}

/** The text of a message's content: a text, or blocks of which some are text. Anything else is JSON. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map(textOfBlock).join('');
  return content === undefined || content === null ? '' : JSON.stringify(jsonValueOf(content));
}

function textOfBlock(block: unknown): string {
  if (typeof block === 'string') return block;
  return isObject(block) && block['type'] === 'text' && typeof block['text'] === 'string'
    ? block['text']
    : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text in parts that fit into events, without cutting a character. */
function partsOf(text: string): readonly string[] {
  return text.match(new RegExp(`.{1,${MAX_DELTA}}`, 'gsu')) ?? [];
}
