import { RunFailure } from '../worker/run-failure.ts';

/** LangGraph's errors for which a retry cannot help, and the run's error code for each. */
const FAILURES: ReadonlyMap<string, string> = new Map([
  ['GraphRecursionError', 'GRAPH_RECURSION_LIMIT'],
  ['InvalidUpdateError', 'INVALID_GRAPH_UPDATE'],
  ['GraphValueError', 'INVALID_GRAPH_VALUE'],
  ['EmptyInputError', 'EMPTY_INPUT'],
  ['UnreachableNodeError', 'UNREACHABLE_NODE'],
  ['UnknownInterruptError', 'UNKNOWN_INTERRUPT'],
  ['StateGraphInputError', 'INVALID_GRAPH'],
]);

/**
 * Converts the error of a graph: to a RunFailure without retry where another attempt cannot help; otherwise it is
 * returned unchanged.
 */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = FAILURES.get(error.name);
  return code === undefined ? error : new RunFailure(error.message, { code, cause: error });
}
