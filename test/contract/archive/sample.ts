import { NEW_RUN } from '../../support/records.ts';

const AT = '2026-01-02T03:04:05.678Z';
const LATER = '2026-01-02T03:04:06.000Z';

/** Ids that are easy to tell apart. */
export const ids = {
  assistant: 'a'.repeat(32),
  thread: 'b'.repeat(32),
  other: 'c'.repeat(32),
  ended: 'd'.repeat(32),
  active: 'e'.repeat(32),
};

/** A line with a record of an owner. */
export function line(owner: unknown, kind: string, record: object): string {
  return JSON.stringify({ owner, [kind]: record });
}

/** An assistant of `alice`, changed. */
export function assistant(changes: object = {}): object {
  const texts = { graphId: 'graph', name: 'Helper', description: null };
  const objects = { config: { z: 1, a: 2 }, context: {}, metadata: { owner: 'alice' } };
  return { id: ids.assistant, ...texts, ...objects, version: 3, createdAt: AT, updatedAt: LATER, ...changes };
}

/** A thread of `alice`, changed. */
export function thread(changes: object = {}): object {
  return {
    id: ids.thread,
    status: 'IDLE',
    valuesRunId: null,
    metadata: { owner: 'alice' },
    createdAt: AT,
    updatedAt: AT,
    ...changes,
  };
}

/** A run on that thread, ended, changed. */
export function run(changes: object = {}): object {
  const { startedAt: _, finishedAt: __, cancelRequestedAt, traceparent, ...rest } = NEW_RUN;
  return {
    id: ids.ended,
    threadId: ids.thread,
    assistantId: ids.assistant,
    status: 'SUCCESS',
    ended: 1,
    ...rest,
    availableAt: null,
    startedAt: AT,
    finishedAt: LATER,
    cancelRequestedAt,
    traceparent,
    metadata: { owner: 'alice' },
    createdAt: AT,
    updatedAt: LATER,
    ...changes,
  };
}

export const HEADER = '{"format":"agent-graphql","version":2}';

/** The last line. */
export function end(assistants: number, threads: number, runs: number): string {
  return JSON.stringify({ end: { assistants, threads, runs } });
}

/** A file of lines. */
export function fileOf(...lines: readonly string[]): string {
  return lines.map((text) => `${text}\n`).join('');
}

/** A file that has one of each kind. */
export const GOOD = [
  HEADER,
  line('alice', 'assistant', assistant()),
  line('alice', 'thread', thread()),
  line('alice', 'run', run()),
  end(1, 1, 1),
] as const;
