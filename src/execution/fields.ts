import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context.ts';
import type { Args, Variables } from './arguments.ts';
import { type At, type Complete, fail, type Place, type Run } from './run.ts';

/** A field of an answer. */
export interface Field {
  /** Its name in the answer. */
  readonly key: string;
  readonly place: Place;
  readonly resolve: (source: unknown, args: Args, context: Context, info: GraphQLResolveInfo) => unknown;
  readonly info: GraphQLResolveInfo;
  /** Null where the field takes none. */
  readonly args: ((variables: Variables) => Args) | null;
  readonly complete: Complete;
  /** What `complete` gives for the usual values of a leaf; undefined for all others. Null where there is no leaf. */
  readonly quick: ((value: unknown) => unknown) | null;
}

/** Names the type of an object; a promise is none of ours. */
export type ResolveType = (value: unknown, context: Context) => unknown;

const NO_ARGS: Args = {};

/** An object. Its fields are resolved one after the other, and wait for their promises together. */
export function completeFields(fields: readonly Field[]): Complete {
  return (source, run, at) => {
    const object: Answered = {};
    let waits = false;
    try {
      for (const field of fields) {
        const value = runField(field, source, run, at);
        if (value instanceof Promise) waits = true;
        object[field.key] = value;
      }
    } catch (error) {
      if (!waits) throw error;
      // What has begun is waited for, as graphql-js does, so that no rejection is left alone.
      const rethrow = (): never => {
        throw error;
      };
      return Promise.all(Object.values(object)).then(rethrow, rethrow);
    }
    return waits ? together(object) : object;
  };
}

/** An object of an answer. No key of it is `__proto__`. */
type Answered = Record<string, unknown>;

async function together(object: Answered): Promise<Answered> {
  const values = await Promise.all(Object.values(object));
  for (const [index, key] of Object.keys(object).entries()) object[key] = values[index];
  return object;
}

/** The fields of a mutation: each begins when the one before it is done. */
export function runSerially(fields: readonly Field[], run: Run): unknown {
  const object: Answered = {};
  for (const [index, field] of fields.entries()) {
    const value = runField(field, undefined, run, null);
    object[field.key] = value;
    if (value instanceof Promise) return runRest(fields, index, object, run);
  }
  return object;
}

async function runRest(
  fields: readonly Field[],
  from: number,
  object: Answered,
  run: Run,
): Promise<Answered> {
  for (const [index, field] of fields.entries()) {
    if (index === from) object[field.key] = await object[field.key];
    if (index > from) object[field.key] = await runField(field, undefined, run, null);
  }
  return object;
}

/** An object of one of several types, by its name. */
export function completeAbstract(
  typeOf: ResolveType,
  completes: ReadonlyMap<string, Complete>,
  name: string,
): Complete {
  return (value, run, at) => {
    const type = typeOf(value, run.context);
    const complete = typeof type === 'string' ? completes.get(type) : undefined;
    if (complete === undefined) throw new Error(`"${name}" must be resolved to one of its types.`);
    return complete(value, run, at);
  };
}

/** The arguments of a field, which are the same for all objects that it is asked of. */
function argsOf(read: NonNullable<Field['args']>, { args, variables }: Run): Args {
  const known = args.get(read);
  if (known !== undefined) return known;
  const made = read(variables);
  args.set(read, made);
  return made;
}

function runField(
  { place, resolve, info, args, complete, quick }: Field,
  source: unknown,
  run: Run,
  at: At | null,
): unknown {
  try {
    if (run.stopped !== null) throw run.stopped;
    const value = resolve(source, args === null ? NO_ARGS : argsOf(args, run), run.context, info);
    if (quick !== null) {
      const completed = quick(value);
      if (completed !== undefined) return completed;
    }
    const completed =
      value instanceof Promise ? value.then((kept) => complete(kept, run, at)) : complete(value, run, at);
    if (!(completed instanceof Promise)) return completed;
    return completed.then(undefined, (error) => fail(error, place, run, at));
  } catch (error) {
    return fail(error, place, run, at);
  }
}
