import type { Change } from '../change.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * A record of format 1 in the current one: threads got `valuesRunId`, and runs what their execution needs. Its values are
 * not checked.
 */
export function fromFormat1(resource: Change['resource'], record: Fields): Fields {
  switch (resource) {
    case 'assistant':
      return record;
    case 'thread':
      return { ...record, valuesRunId: null };
    case 'run':
      return { ...record, ...executionFields(record) };
  }
}

function executionFields({ status, createdAt, updatedAt }: Fields): Fields {
  const isPending = status === 'PENDING';
  const isActive = isPending || status === 'RUNNING';
  return {
    hasInput: false,
    hasOutput: false,
    hasCheckpoint: false,
    error: null,
    interrupt: null,
    resumes: null,
    multitaskStrategy: 'ENQUEUE',
    attempt: 0,
    maxAttempts: 3,
    timeoutSeconds: null,
    assistantVersion: null,
    worker: null,
    availableAt: isPending ? createdAt : null,
    startedAt: status === 'RUNNING' ? updatedAt : null,
    finishedAt: isActive ? null : updatedAt,
    cancelRequestedAt: null,
    traceparent: null,
  };
}
