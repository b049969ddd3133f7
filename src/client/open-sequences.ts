import type { AgUiEvent } from './event-types.ts';

/** What opens, continues and closes a sequence of AG-UI events, and the field that names it. */
interface SequenceKind {
  readonly key: string;
  readonly start: string;
  readonly middle?: string;
  readonly ends: readonly string[];
  /** The fields of the event that closes a sequence which its worker left open. */
  readonly closing?: Readonly<Record<string, unknown>>;
}

const KINDS: readonly SequenceKind[] = [
  {
    key: 'messageId',
    start: 'TEXT_MESSAGE_START',
    middle: 'TEXT_MESSAGE_CONTENT',
    ends: ['TEXT_MESSAGE_END'],
  },
  { key: 'toolCallId', start: 'TOOL_CALL_START', middle: 'TOOL_CALL_ARGS', ends: ['TOOL_CALL_END'] },
  {
    key: 'messageId',
    start: 'REASONING_MESSAGE_START',
    middle: 'REASONING_MESSAGE_CONTENT',
    ends: ['REASONING_MESSAGE_END'],
  },
  { key: 'messageId', start: 'REASONING_START', ends: ['REASONING_END'] },
  { key: 'stepName', start: 'STEP_STARTED', ends: ['STEP_FINISHED'] },
  {
    key: 'subagentRunId',
    start: 'SUBAGENT_STARTED',
    ends: ['SUBAGENT_ERROR', 'SUBAGENT_FINISHED'],
    closing: { message: 'The subagent did not finish.' },
  },
];

const KIND_OF: ReadonlyMap<string, SequenceKind> = new Map(
  KINDS.flatMap((kind) => {
    const types = [kind.start, ...kind.ends, ...(kind.middle === undefined ? [] : [kind.middle])];
    return types.map((type) => [type, kind] as const);
  }),
);

/** The sequences of a run's AG-UI events that were opened and not closed: messages, tool calls, steps, subagents. */
export interface OpenSequences {
  /** Whether an event may come now: what it continues is open, and what it opens is not. It is then counted. */
  accept(event: AgUiEvent): boolean;
  /** Events that close what is open, the last one opened first. */
  close(): readonly AgUiEvent[];
}

/** Creates the record of the open sequences of a run. */
export function createOpenSequences(): OpenSequences {
  /** The events that would close them, by kind, owner and name. */
  const open = new Map<string, AgUiEvent>();
  /** A subagent's id is valid for one invocation. */
  const usedSubagents = new Set<string>();

  return {
    accept(event) {
      const kind = KIND_OF.get(event.type);
      if (kind === undefined) return true;
      const name = event[kind.key];
      if (typeof name !== 'string') return false;
      // A step's name is its agent's own: a subagent may have a step with the same one.
      const owner = kind.key === 'stepName' ? event['subagentRunId'] : undefined;
      const id = JSON.stringify([kind.start, owner, name]);
      if (event.type !== kind.start) return kind.ends.includes(event.type) ? open.delete(id) : open.has(id);
      if (open.has(id)) return false;
      if (kind.key === 'subagentRunId') {
        if (usedSubagents.has(name)) return false;
        usedSubagents.add(name);
      }
      const [type = ''] = kind.ends;
      open.set(id, {
        type,
        [kind.key]: name,
        ...(owner !== undefined && { subagentRunId: owner }),
        ...kind.closing,
      });
      return true;
    },
    close() {
      const closing = [...open.values()].toReversed();
      open.clear();
      return closing;
    },
  };
}
