import { type FieldNode, GraphQLError, locatedError } from 'graphql';
import type { Context } from '../../schema/context.ts';
import type { Args, Variables } from './arguments.ts';

/** An operation as it runs once. */
export interface Run {
  readonly context: Context;
  readonly variables: Variables;
  /** The arguments of fields that were asked for, by what reads them. */
  readonly args: Map<unknown, Args>;
  /** What went wrong where null could be answered. */
  readonly errors: GraphQLError[];
  /** Why no resolver is to begin any more; null while they may. */
  stopped: Error | null;
}

/** Turns what a resolver gave into what is answered, or a promise of it. @param at the items of lists that it is in */
export type Complete = (value: unknown, run: Run, at: At | null) => unknown;

/** A place in a list, and in the lists that this one is in. */
export interface At {
  readonly index: number;
  readonly outer: At | null;
}

/** A way into the answer: a key, or null for an item of a list. */
export interface Step {
  readonly key: string | null;
  readonly before: Step | null;
}

/** Where something is, whether it can be null, and what asks for it. */
export interface Place {
  readonly step: Step;
  readonly nullable: boolean;
  readonly nodes: readonly FieldNode[];
}

/** Completes what a resolver gave, and answers null for what goes wrong with it where it can. */
export function completeNow(
  complete: Complete,
  value: unknown,
  place: Place,
  run: Run,
  at: At | null,
): unknown {
  try {
    const completed = complete(value, run, at);
    if (!(completed instanceof Promise)) return completed;
    return completed.then(undefined, (error) => fail(error, place, run, at));
  } catch (error) {
    return fail(error, place, run, at);
  }
}

/** The same with what a resolver has promised. */
export function completeLater(
  complete: Complete,
  promised: Promise<unknown>,
  place: Place,
  run: Run,
  at: At | null,
): Promise<unknown> {
  return promised.then(
    (value) => completeNow(complete, value, place, run, at),
    (error) => fail(error, place, run, at),
  );
}

/** Answers null for what went wrong, and keeps the error; where null cannot be, the error goes on. */
export function fail(thrown: unknown, { step, nullable, nodes }: Place, run: Run, at: At | null): null {
  const path = pathTo(step, at);
  for (const one of thrown instanceof AggregateError ? thrown.errors : [thrown]) {
    const error = locatedError(asError(one), nodes, path);
    if (!nullable) throw error;
    run.errors.push(error);
  }
  return null;
}

function pathTo(step: Step, at: At | null): (string | number)[] {
  const path: (string | number)[] = [];
  let item = at;
  for (let one: Step | null = step; one !== null; one = one.before) {
    if (one.key !== null) path.push(one.key);
    else {
      path.push(item?.index ?? 0);
      item = item?.outer ?? null;
    }
  }
  return path.toReversed();
}

/** As yoga's executor does. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) {
    const { message } = thrown;
    if (typeof message === 'string')
      return new Error(message, 'cause' in thrown ? { cause: thrown.cause } : {});
  }
  return new Error(String(thrown));
}
