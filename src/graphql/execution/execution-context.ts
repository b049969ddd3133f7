import { type FieldNode, GraphQLError, locatedError } from 'graphql';
import type { Context } from '../../schema/context.ts';
import type { Args, Variables } from './arguments.ts';

/** One execution of an operation. */
export interface ExecutionContext {
  /** What resolvers get as their third argument. */
  readonly context: Context;
  readonly variables: Variables;
  /** The arguments that were coerced already, by the function that coerces them; null before there are any. */
  args: Map<unknown, Args> | null;
  /** Errors of nullable fields, in the order in which they happened. */
  readonly errors: GraphQLError[];
}

/**
 * Completes a resolved value: https://spec.graphql.org/October2021/#CompleteValue(). Returns the completed value, or a
 * promise of it.
 * @param listIndex where the value is in the lists around it; null outside of lists
 */
export type Complete = (value: unknown, execution: ExecutionContext, listIndex: ListIndex | null) => unknown;

/** A position in a list, and in the lists around it. */
export interface ListIndex {
  readonly index: number;
  readonly outer: ListIndex | null;
}

/** A segment of a response path that is the same for all items of a list. */
export interface PathSegment {
  /** A response key; null for an item of a list. */
  readonly key: string | null;
  readonly before: PathSegment | null;
}

/** Where a value is in the response, whether it can be null, and which nodes of the document select it. */
export interface FieldPosition {
  readonly segment: PathSegment;
  readonly nullable: boolean;
  readonly nodes: readonly FieldNode[];
}

/** Completes a resolved value. An error becomes null where the position is nullable, and is thrown elsewhere. */
export function completeNow(
  complete: Complete,
  value: unknown,
  position: FieldPosition,
  execution: ExecutionContext,
  listIndex: ListIndex | null,
): unknown {
  try {
    const completed = complete(value, execution, listIndex);
    if (!(completed instanceof Promise)) return completed;
    return completed.then(undefined, (error) => handleError(error, position, execution, listIndex));
  } catch (error) {
    return handleError(error, position, execution, listIndex);
  }
}

/** Completes a promised value. */
export function completeLater(
  complete: Complete,
  promised: Promise<unknown>,
  position: FieldPosition,
  execution: ExecutionContext,
  listIndex: ListIndex | null,
): Promise<unknown> {
  return promised.then(
    (value) => completeNow(complete, value, position, execution, listIndex),
    (error) => handleError(error, position, execution, listIndex),
  );
}

/**
 * Records an error of a field and returns null for it. Throws the located error where the position is not nullable:
 * https://spec.graphql.org/October2021/#sec-Handling-Field-Errors
 */
export function handleError(
  thrown: unknown,
  { segment, nullable, nodes }: FieldPosition,
  execution: ExecutionContext,
  listIndex: ListIndex | null,
): null {
  const error = locatedError(thrown, nodes, pathTo(segment, listIndex));
  if (!nullable) throw error;
  execution.errors.push(error);
  return null;
}

function pathTo(segment: PathSegment, listIndex: ListIndex | null): (string | number)[] {
  const path: (string | number)[] = [];
  let item = listIndex;
  for (let one: PathSegment | null = segment; one !== null; one = one.before) {
    if (one.key !== null) path.push(one.key);
    else {
      path.push(item?.index ?? 0);
      item = item?.outer ?? null;
    }
  }
  return path.toReversed();
}
