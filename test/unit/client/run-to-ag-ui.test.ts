import { type BaseEvent, EventType, verifyEvents } from '@ag-ui/client';
import { EventSchema } from '@ag-ui/core/schemas';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBaseEvent } from '../../../src/ag-ui/base-event.ts';
import { createEventStream } from '../../../src/ag-ui/event-stream.ts';
import type { AgUiEvent } from '../../../src/client/event-types.ts';
import { createRunToAgUi } from '../../../src/client/run-to-ag-ui.ts';
import type { RunEnd } from '../../../src/client/run.ts';

const RUN = { id: 'run-of-server', threadId: 'thread-of-server' };
const IDS = { threadId: 'thread', runId: 'run' };
const START = { messages: [{ id: 'u1', role: 'user', content: 'Hello' }], state: { n: 1 } };

interface Sent {
  readonly type: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

const attempt = (number: number): Sent => ({
  type: 'RUN_STARTED',
  data: { threadId: RUN.threadId, runId: RUN.id, attempt: number },
});

/** The AG-UI events of a run. */
function mapped(sent: readonly Sent[], end: RunEnd | null, restores = false): readonly AgUiEvent[] {
  const toAgUi = createRunToAgUi(RUN, { ...IDS, start: START, restores });
  const events = sent.flatMap(({ type, data = {} }, index) =>
    toAgUi.map({ seq: index + 1, attempt: 1, type, data, at: '2026-01-01T00:00:00.000Z' }),
  );
  return [...events, ...toAgUi.end(end)];
}

/** The events that AG-UI's client emits for events. Rejects where the client does. */
async function verify(events: readonly AgUiEvent[]): Promise<readonly BaseEvent[]> {
  async function* checked(): AsyncGenerator<BaseEvent> {
    for (const event of events) {
      EventSchema.parse(event);
      yield toBaseEvent(event);
    }
  }
  const stream = createEventStream(() => ({ events: checked(), leave() {} }));
  const taken: BaseEvent[] = [];
  return new Promise((resolve, reject) => {
    verifyEvents()(stream).subscribe({
      next: (event) => void taken.push(event),
      error: reject,
      complete: () => resolve(taken),
    });
  });
}

const types = (events: readonly AgUiEvent[]): readonly string[] => events.map(({ type }) => type);

describe("a run's AG-UI events", () => {
  it('should begin and end also where no worker had the run', async () => {
    const events = mapped([], { status: 'CANCELLED' });
    expect(events).toMatchObject([
      { type: 'RUN_STARTED', threadId: 'thread', runId: 'run' },
      { type: 'RUN_FINISHED', threadId: 'thread', runId: 'run', outcome: { type: 'cancelled' } },
    ]);
    await verify(events);
  });

  it.each<[string, RunEnd | null, object]>([
    ['SUCCESS', { status: 'SUCCESS', output: { a: 1 } }, { type: 'RUN_FINISHED', result: { a: 1 } }],
    [
      'INTERRUPTED',
      { status: 'INTERRUPTED', interrupt: null },
      {
        outcome: {
          type: 'interrupt',
          interrupts: [{ id: RUN.id, reason: 'interrupt', metadata: { runId: RUN.id } }],
        },
      },
    ],
    [
      'ERROR',
      { status: 'ERROR', error: { code: 'C', message: 'M' } },
      { type: 'RUN_ERROR', code: 'C', message: 'M' },
    ],
    ['TIMEOUT', { status: 'TIMEOUT', error: null }, { type: 'RUN_ERROR', code: 'TIMEOUT' }],
    ['deleted', null, { type: 'RUN_ERROR', code: 'NOT_FOUND' }],
  ])('should say how it ended: %s', async (_, end, expected) => {
    const events = mapped([attempt(1)], end);
    expect(events.at(-1)).toMatchObject(expected);
    await verify(events);
  });

  it('should close what a worker left open, the last one opened first', async () => {
    const sent = [
      attempt(1),
      { type: 'STEP_STARTED', data: { stepName: 'search' } },
      { type: 'SUBAGENT_STARTED', data: { subagentRunId: 's1', name: 'searcher' } },
      { type: 'STEP_STARTED', data: { stepName: 'search', subagentRunId: 's1' } },
      { type: 'REASONING_START', data: { messageId: 'm1' } },
      { type: 'REASONING_MESSAGE_START', data: { messageId: 'm1', role: 'reasoning' } },
      { type: 'TOOL_CALL_START', data: { toolCallId: 't1', toolCallName: 'find' } },
      { type: 'TEXT_MESSAGE_START', data: { messageId: 'm2', role: 'assistant' } },
    ];
    const events = mapped(sent, { status: 'CANCELLED' });
    expect(types(events).slice(sent.length)).toEqual([
      'TEXT_MESSAGE_END',
      'TOOL_CALL_END',
      'REASONING_MESSAGE_END',
      'REASONING_END',
      'STEP_FINISHED',
      'SUBAGENT_ERROR',
      'STEP_FINISHED',
      'RUN_FINISHED',
    ]);
    await verify(events);
  });

  it('should send what does not fit as a custom event', async () => {
    const events = mapped(
      [
        attempt(1),
        { type: 'progress', data: { done: 1 } },
        { type: 'TEXT_MESSAGE_CONTENT', data: { messageId: 'unknown', delta: 'x' } },
        { type: 'TOOL_CALL_END', data: { toolCallId: 'unknown' } },
        { type: 'RUN_FINISHED', data: { runId: 'its own' } },
      ],
      { status: 'SUCCESS' },
    );
    expect(events.slice(1, -1)).toMatchObject([
      { type: 'CUSTOM', name: 'progress', value: { done: 1 } },
      { type: 'CUSTOM', name: 'TEXT_MESSAGE_CONTENT', value: { messageId: 'unknown', delta: 'x' } },
      { type: 'CUSTOM', name: 'TOOL_CALL_END', value: { toolCallId: 'unknown' } },
    ]);
    await verify(events);
  });

  it('should make one message of text without an id, in each attempt', async () => {
    const text = { type: 'TEXT_MESSAGE_CONTENT', data: { delta: 'x' } };
    const events = mapped([attempt(1), text, text, attempt(2), text], { status: 'SUCCESS' });
    const sent = types(events).filter((type) => type.startsWith('TEXT_'));
    const [start, content, end] = ['START', 'CONTENT', 'END'].map((name) => `TEXT_MESSAGE_${name}`);
    expect(sent).toEqual([start, content, content, end, start, content, end]);
    expect(events[1]).toEqual({ type: start, messageId: RUN.id, role: 'assistant' });
    await verify(events);
  });

  it('should go back to the start at another attempt that has something to take back', () => {
    const message = { type: 'TEXT_MESSAGE_START', data: { messageId: 'm1' } };
    const events = mapped([attempt(1), attempt(1), message, attempt(2)], { status: 'SUCCESS' });
    expect(events.slice(1, -1)).toMatchObject([
      { type: 'CUSTOM', name: 'RUN_ATTEMPT', value: { attempt: 1 } },
      { type: 'TEXT_MESSAGE_START' },
      { type: 'TEXT_MESSAGE_END', messageId: 'm1' },
      { type: 'MESSAGES_SNAPSHOT', messages: START.messages },
      { type: 'STATE_SNAPSHOT', snapshot: { n: 1 } },
      { type: 'CUSTOM', name: 'RUN_ATTEMPT', value: { attempt: 2 } },
    ]);
  });

  it('should restore the start first where a front end may show something else', () => {
    expect(types(mapped([attempt(1)], { status: 'SUCCESS' }, true))).toEqual([
      'RUN_STARTED',
      'MESSAGES_SNAPSHOT',
      'STATE_SNAPSHOT',
      'RUN_FINISHED',
    ]);
  });

  it('should be valid whatever a worker sends, in whatever order', async () => {
    const id = fc.constantFrom('a', 'b', 'none');
    const event = fc
      .tuple(fc.constantFrom(...Object.values(EventType).filter(isSequence)), id)
      .map(([type, name]): Sent => {
        const data = {
          ...(name !== 'none' && { messageId: name }),
          toolCallId: name,
          stepName: name,
          toolCallName: 'tool',
          name: 'subagent',
          message: 'failed',
          role: type.startsWith('REASONING') ? 'reasoning' : 'assistant',
          delta: 'x',
          ...(type.startsWith('SUBAGENT') && { subagentRunId: name }),
        };
        return { type, data };
      });
    const sent = fc.array(fc.oneof({ arbitrary: event, weight: 9 }, fc.constant(attempt(2))), {
      maxLength: 40,
    });
    const status = fc.constantFrom('SUCCESS', 'CANCELLED', 'ERROR', 'INTERRUPTED');
    await fc.assert(
      fc.asyncProperty(sent, status, async (events, end) => {
        const all = mapped([attempt(1), ...events], { status: end });
        expect(await verify(all)).toHaveLength(all.length);
      }),
    );
  });
});

function isSequence(type: EventType): boolean {
  return /_(?:START|STARTED|CONTENT|ARGS|END|FINISHED|ERROR)$/.test(type) && !type.startsWith('RUN_');
}
