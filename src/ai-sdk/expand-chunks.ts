import type { AgUiEvent } from '../client/event-types.ts';

/** The sequence that a CHUNK event abbreviates, and the field with its id, by the type of the event. */
const KINDS: Readonly<Record<string, { key: string; start: string; middle: string; end: string }>> = {
  TEXT_MESSAGE_CHUNK: {
    key: 'messageId',
    start: 'TEXT_MESSAGE_START',
    middle: 'TEXT_MESSAGE_CONTENT',
    end: 'TEXT_MESSAGE_END',
  },
  REASONING_MESSAGE_CHUNK: {
    key: 'messageId',
    start: 'REASONING_MESSAGE_START',
    middle: 'REASONING_MESSAGE_CONTENT',
    end: 'REASONING_MESSAGE_END',
  },
  TOOL_CALL_CHUNK: {
    key: 'toolCallId',
    start: 'TOOL_CALL_START',
    middle: 'TOOL_CALL_ARGS',
    end: 'TOOL_CALL_END',
  },
};

/**
 * Creates a function that expands AG-UI's CHUNK events into the START, CONTENT and END events that they abbreviate. A
 * chunk without an id continues the chunk before it; a chunk with another id, or any other event, ends its sequence.
 */
export function createChunkExpander(): (event: AgUiEvent) => readonly AgUiEvent[] {
  let current: { readonly type: string; readonly id: string } | null = null;

  function* close(): Generator<AgUiEvent> {
    const kind = current === null ? undefined : KINDS[current.type];
    if (current === null || kind === undefined) return;
    yield { type: kind.end, [kind.key]: current.id };
    current = null;
  }

  function* expand(event: AgUiEvent): Generator<AgUiEvent> {
    const kind = KINDS[event.type];
    if (kind === undefined) {
      yield* close();
      yield event;
      return;
    }
    const given = event[kind.key];
    const id = typeof given === 'string' ? given : current?.type === event.type ? current.id : null;
    if (id === null) return;
    if (current?.type !== event.type || current.id !== id) {
      yield* close();
      current = { type: event.type, id };
      yield { ...event, type: kind.start, [kind.key]: id };
    }
    if (typeof event['delta'] === 'string') yield { ...event, type: kind.middle, [kind.key]: id };
  }

  return (event) => [...expand(event)];
}
