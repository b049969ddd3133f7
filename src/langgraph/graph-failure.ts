import { RunFailure } from '../worker/run-failure.ts';

/** LangGraph's errors that another attempt would meet again, and the run's error code. */
const FAILURES: ReadonlyMap<string, string> = new Map([
  ['GraphRecursionError', 'GRAPH_RECURSION_LIMIT'],
  ['InvalidUpdateError', 'INVALID_GRAPH_UPDATE'],
  ['GraphValueError', 'INVALID_GRAPH_VALUE'],
  ['EmptyInputError', 'EMPTY_INPUT'],
  ['UnreachableNodeError', 'UNREACHABLE_NODE'],
  ['UnknownInterruptError', 'UNKNOWN_INTERRUPT'],
  ['StateGraphInputError', 'INVALID_GRAPH'],
]);

/** The error of a graph as a run fails by it: without retry where that cannot help, else as it is. */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = FAILURES.get(error.name);
  return code === undefined ? error : new RunFailure(error.message, { code, cause: error });
}
