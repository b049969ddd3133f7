import type { UIMessageChunk } from 'ai';
import type { AgUiEvent } from '../client/event-types.ts';
import { createChunkExpander } from './expand-chunks.ts';

/**
 * Creates a function that converts the AG-UI events of a run to chunks of an AI SDK message.
 * @param messageId of the message that they are a part of
 * @param calledBefore the ids of the tool calls that the message has already
 */
export function createUiChunks(
  messageId: string,
  calledBefore: readonly string[],
): (event: AgUiEvent) => readonly UIMessageChunk[] {
  const expand = createChunkExpander();
  const assemble = createAssembler(messageId, calledBefore);
  return (event) => expand(event).flatMap((one) => [...assemble(one)]);
}

interface ToolCall {
  readonly toolName: string;
  args: string;
}

function createAssembler(
  messageId: string,
  calledBefore: readonly string[],
): (event: AgUiEvent) => Generator<UIMessageChunk> {
  /** Messages that are a part of this one: not those of users or of the system. */
  const open = { text: new Set<string>(), reasoning: new Set<string>() };
  const toolCalls = new Map<string, ToolCall>();

  const isCalled = (id: string): boolean => toolCalls.has(id) || calledBefore.includes(id);

  /** Events of a sequence that is not open are dropped. */
  function* messageChunks(kind: 'text' | 'reasoning', event: AgUiEvent): Generator<UIMessageChunk> {
    const { type, role = 'assistant' } = event;
    const id = text(event['messageId']);
    if (type.endsWith('_START')) {
      if (role !== 'assistant' && kind === 'text') return;
      open[kind].add(id);
      yield { type: `${kind}-start`, id };
    } else if (!open[kind].has(id)) {
      return;
    } else if (type.endsWith('_CONTENT')) {
      yield { type: `${kind}-delta`, id, delta: text(event['delta']) };
    } else {
      open[kind].delete(id);
      yield { type: `${kind}-end`, id };
    }
  }

  function* toolChunks({ type, ...event }: AgUiEvent): Generator<UIMessageChunk> {
    const toolCallId = text(event['toolCallId']);
    if (type === 'TOOL_CALL_START') {
      const toolName = text(event['toolCallName']);
      toolCalls.set(toolCallId, { toolName, args: '' });
      yield { type: 'tool-input-start', toolCallId, toolName };
      return;
    }
    const call = toolCalls.get(toolCallId);
    if (type === 'TOOL_CALL_RESULT' && isCalled(toolCallId)) {
      yield { type: 'tool-output-available', toolCallId, output: outputOf(event['content']) };
    } else if (call === undefined) {
      yield data({ type, ...event });
    } else if (type === 'TOOL_CALL_ARGS') {
      const delta = text(event['delta']);
      call.args += delta;
      yield { type: 'tool-input-delta', toolCallId, inputTextDelta: delta };
    } else {
      yield toolInput(toolCallId, call);
    }
  }

  function* finishChunks({ outcome }: AgUiEvent): Generator<UIMessageChunk> {
    const { type, interrupts } = Object(outcome);
    if (type === 'cancelled') {
      yield { type: 'abort', reason: 'The run was cancelled.' };
      return;
    }
    if (type !== 'interrupt' || !Array.isArray(interrupts)) {
      yield { type: 'finish', finishReason: 'stop' };
      return;
    }
    for (const interrupt of interrupts) {
      const { id, toolCallId } = Object(interrupt);
      if (isCalled(text(toolCallId))) {
        yield { type: 'tool-approval-request', approvalId: text(id), toolCallId: text(toolCallId) };
      }
      yield { type: 'data-interrupt', id: text(id), data: interrupt };
    }
    yield { type: 'finish', finishReason: 'other' };
  }

  return function* assemble(event) {
    switch (event.type) {
      case 'RUN_STARTED':
        yield { type: 'start', messageId };
        return;
      case 'RUN_FINISHED':
        return yield* finishChunks(event);
      case 'RUN_ERROR':
        yield { type: 'error', errorText: text(event['message']) };
        return;
      case 'TEXT_MESSAGE_START':
      case 'TEXT_MESSAGE_CONTENT':
      case 'TEXT_MESSAGE_END':
        return yield* messageChunks('text', event);
      case 'REASONING_MESSAGE_START':
      case 'REASONING_MESSAGE_CONTENT':
      case 'REASONING_MESSAGE_END':
        return yield* messageChunks('reasoning', event);
      case 'TOOL_CALL_START':
      case 'TOOL_CALL_ARGS':
      case 'TOOL_CALL_END':
      case 'TOOL_CALL_RESULT':
        return yield* toolChunks(event);
      default:
        yield data(event);
    }
  };
}

/**
 * A data chunk, for an event that has no part of its own in a message. Those that only change something are transient.
 */
function data(given: AgUiEvent): UIMessageChunk {
  const { type, timestamp: _, ...event } = given;
  switch (type) {
    case 'STATE_SNAPSHOT':
      return { type: 'data-state', id: 'state', data: event['snapshot'] };
    case 'ACTIVITY_SNAPSHOT':
      return { type: 'data-activity', id: text(event['messageId']), data: event };
    case 'STEP_STARTED':
    case 'STEP_FINISHED':
      return {
        type: 'data-step',
        id: text(event['stepName']),
        data: { ...event, isFinished: type === 'STEP_FINISHED' },
      };
    case 'CUSTOM':
      return { type: `data-${text(event['name'])}`, data: event['value'] };
    default:
      return {
        type: `data-${type.toLowerCase().replaceAll('_', '-')}`,
        data: event,
        transient: true,
      };
  }
}

function toolInput(toolCallId: string, { toolName, args }: ToolCall): UIMessageChunk {
  const input = args === '' ? {} : parsed(args);
  if (input !== undefined) return { type: 'tool-input-available', toolCallId, toolName, input };
  const errorText = 'The arguments of the tool call are not JSON.';
  return { type: 'tool-input-error', toolCallId, toolName, input: args, errorText };
}

/** AG-UI's results are strings. One that is a JSON object or array is parsed. */
function outputOf(content: unknown): unknown {
  if (typeof content !== 'string' || !/^\s*[{[]/.test(content)) return content;
  return parsed(content) ?? content;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
