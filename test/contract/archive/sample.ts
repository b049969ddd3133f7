import { NEW_RUN } from '../../support/records.ts';

export const AT = '2026-01-02T03:04:05.678Z';
export const LATER = '2026-01-02T03:04:06.000Z';

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

/** What a key or an input could have as its digest. */
export const DIGEST = 'x'.repeat(43);

/** The execution of that run, changed. */
export function execution(changes: object = {}): object {
  return {
    id: ids.ended,
    claims: 2,
    lease: null,
    storedEvents: 1,
    sentEvents: 1,
    sentBytes: 5,
    lastSeq: 3,
    droppedSeq: 1,
    cancelAction: null,
    reported: { digest: DIGEST, status: 'SUCCESS' },
    ...changes,
  };
}

/** A payload of that run, changed. */
export function payload(changes: object = {}): object {
  return { id: ids.ended, name: 'input', value: { z: 1, a: [2] }, ...changes };
}

/** The idempotency key of that run, changed. */
export function key(changes: object = {}): object {
  return { id: `run ${DIGEST}`, recordId: ids.ended, digest: DIGEST, ...changes };
}

/** An event of that run, changed. */
export function event(changes: object = {}): object {
  return { id: ids.ended, seq: 2, attempt: 1, type: 'TOKEN', at: AT, data: { z: 1, a: 2 }, ...changes };
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

/** A file in which that run has details of each kind. */
export const DETAILED = [
  HEADER,
  line('alice', 'assistant', assistant()),
  line('alice', 'thread', thread({ valuesRunId: ids.ended })),
  line('alice', 'run', run({ hasInput: true, hasOutput: true, attempt: 1 })),
  line('alice', 'execution', execution()),
  line('alice', 'payload', payload()),
  line('alice', 'payload', payload({ name: 'output' })),
  line('alice', 'key', key()),
  line('alice', 'event', event()),
  line('alice', 'event', event({ seq: 3 })),
  end(1, 1, 1),
] as const;
