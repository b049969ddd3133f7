import type { UIMessage } from 'ai';

/** A message of AG-UI, as its fields. */
export type AgUiMessage = Readonly<Record<string, unknown>>;

type Part = UIMessage['parts'][number];

/**
 * Converts the messages of a chat to messages of AG-UI, so that a worker need not know which front end its run comes
 * from: texts, files, and tool calls with their results. Reasoning, sources and data stay in the front end.
 */
export function toAgUiMessages(messages: readonly UIMessage[]): readonly AgUiMessage[] {
  return messages.flatMap((message): readonly AgUiMessage[] => {
    const { id, role, parts } = message;
    if (role === 'assistant') return assistantMessages(id, parts);
    return [{ id, role, content: role === 'user' ? userContent(parts) : textOf(parts) }];
  });
}

function userContent(parts: readonly Part[]): unknown {
  if (!parts.some(({ type }) => type === 'file')) return textOf(parts);
  return parts.flatMap((part): readonly object[] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text }];
    if (part.type !== 'file') return [];
    return [{ type: mediaKind(part.mediaType), source: sourceOf(part.url, part.mediaType) }];
  });
}

const MEDIA = /^(image|audio|video)\//;

function mediaKind(mediaType: string): string {
  return MEDIA.exec(mediaType)?.[1] ?? 'document';
}

const DATA_URL = /^data:[^,]*;base64,(.*)$/s;

function sourceOf(url: string, mimeType: string): object {
  const value = DATA_URL.exec(url)?.[1];
  return value === undefined ? { type: 'url', value: url, mimeType } : { type: 'data', value, mimeType };
}

/** A message for each turn: text after a tool call is another one, after the results. */
function assistantMessages(id: string, parts: readonly Part[]): readonly AgUiMessage[] {
  const messages: AgUiMessage[] = [];
  let turns = 0;
  let content = '';
  let tools: ToolPart[] = [];

  function endTurn(): void {
    if (content === '' && tools.length === 0) return;
    turns++;
    messages.push(
      {
        id: turns === 1 ? id : `${id}-${turns}`,
        role: 'assistant',
        ...(content !== '' && { content }),
        ...(tools.length > 0 && { toolCalls: tools.map(toolCall) }),
      },
      ...tools.flatMap(toolResult),
    );
    content = '';
    tools = [];
  }

  for (const part of parts) {
    if (isToolPart(part)) tools.push(part);
    if (part.type !== 'text') continue;
    if (tools.length > 0) endTurn();
    content += part.text;
  }
  endTurn();
  return messages;
}

type ToolPart = Part & { readonly toolCallId: string; readonly state: string };

function isToolPart(part: Part): part is ToolPart {
  return part.type === 'dynamic-tool' || part.type.startsWith('tool-');
}

function toolCall(part: ToolPart): object {
  const name = 'toolName' in part ? part.toolName : part.type.slice('tool-'.length);
  const args = JSON.stringify('input' in part ? (part.input ?? {}) : {});
  return { id: part.toolCallId, type: 'function', function: { name, arguments: args } };
}

function toolResult(part: ToolPart): readonly AgUiMessage[] {
  const { toolCallId } = part;
  const base = { id: `${toolCallId}-result`, role: 'tool', toolCallId };
  if (part.state === 'output-error') {
    const error = 'errorText' in part ? part.errorText : '';
    return [{ ...base, content: '', error }];
  }
  if (part.state !== 'output-available' || !('output' in part)) return [];
  return [{ ...base, content: typeof part.output === 'string' ? part.output : JSON.stringify(part.output) }];
}

function textOf(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
}
