import { isObject } from '../lib/is-object.ts';
import type { JsonObject } from '../worker/claimed-run.ts';
import { RunFailure } from '../worker/run-failure.ts';

/** The key of a thread's values, beside those of the graph's state, from which the graph continues. */
export const RESERVED_KEY = '__langgraph';
export const FORMAT = 1;
const RUNTIME = 'javascript';

/** A value that a serializer has dumped: its type, and its bytes in base64. */
export type Dumped = readonly [type: string, text: string];

/** A write of a task, which is part of the next checkpoint. */
export type SavedWrite = readonly [
  taskId: string,
  index: number,
  channel: string,
  type: string,
  text: string,
  taskPath: string,
];

/**
 * What is stored under the reserved key. The Python handler has the same keys with `runtime: "python"`; neither can read
 * the other's, since the serializers are different.
 */
export interface SavedState {
  readonly format: number;
  readonly runtime: string;
  /** By `checkpoint_ns`: empty for the graph itself. */
  readonly namespaces: Readonly<
    Record<
      string,
      {
        readonly id: string;
        readonly checkpoint: Dumped;
        readonly metadata: Dumped;
        readonly writes: readonly SavedWrite[];
      }
    >
  >;
}

/**
 * The state of the graph in a thread's values or a run's checkpoint; null where another handler has left them.
 * @throws {RunFailure} when it cannot be read here
 */
export function savedStateOf(values: JsonObject | null): SavedState | null {
  const saved = values?.[RESERVED_KEY];
  if (!isObject(saved)) return null;
  const { format, runtime, namespaces } = saved;
  if (format !== FORMAT || runtime !== RUNTIME) {
    throw new RunFailure(
      `The state of this thread was left by a LangGraph worker of ${String(runtime)}, format ${String(format)}, ` +
        `and this one reads ${RUNTIME}, format ${FORMAT}: begin another thread, or run the worker that wrote it.`,
      { code: 'UNKNOWN_STATE' },
    );
  }
  if (!isObject(namespaces)) return null;
  return { format, runtime, namespaces: Object.fromEntries(Object.entries(namespaces).map(readNamespace)) };
}

function readNamespace([name, saved]: readonly [string, unknown]) {
  const { id, checkpoint, metadata, writes } = isObject(saved) ? saved : {};
  if (typeof id !== 'string' || !isDumped(checkpoint) || !isDumped(metadata) || !isWrites(writes)) {
    throw new RunFailure(`The state of this thread is damaged at ${RESERVED_KEY}.namespaces.${name}.`, {
      code: 'UNKNOWN_STATE',
    });
  }
  return [name, { id, checkpoint, metadata, writes }] as const;
}

function isDumped(value: unknown): value is Dumped {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
}

function isWrites(value: unknown): value is readonly SavedWrite[] {
  return Array.isArray(value) && value.every(isWrite);
}

function isWrite(value: unknown): value is SavedWrite {
  if (!Array.isArray(value) || value.length !== 6) return false;
  return value.every((part, index) => typeof part === (index === 1 ? 'number' : 'string'));
}
