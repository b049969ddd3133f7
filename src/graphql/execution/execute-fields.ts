import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../schema/context.ts';
import type { Args, Variables } from './arguments.ts';
import { andThen } from '../../lib/maybe-promise.ts';
import {
  type At,
  type Complete,
  completeLater,
  completeNow,
  fail,
  type Place,
  type Run,
} from './execution-context.ts';
import type { Written } from './serialize.ts';

/** A field of an answer. */
export interface Field extends Written {
  /** Its name in the answer. */
  readonly key: string;
  /** What it is of `source`, as JavaScript; null where something resolves it. */
  readonly expression: string | null;
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

/**
 * An object. Its fields are resolved one after the other, and wait for their promises together. The function that does
 * it is generated: with all names written out, V8 finds what it reads, and the shape of what it makes, at once.
 */
export function completeFields(fields: readonly Field[]): Complete {
  const values = fields.map((_, index) => `v${index}`);
  const each = fields.map(({ expression, quick }, index) => {
    const isQuick = expression !== null && quick !== null;
    return `
      v${index} = ${isQuick ? `q${index}(${expression})` : 'undefined'};
      if (v${index} === undefined) {
        v${index} = beginField(f${index}, source, run, at);
        if (v${index} instanceof Promise || v${index} instanceof Completing) waits = true;
      }`;
  });
  const entries = fields.map(({ key }, index) => `${JSON.stringify(key)}: v${index}`);
  const code = `
    const [${fields.map((_, index) => `f${index}`).join()}] = fields;
    const [${fields.map((_, index) => `q${index}`).join()}] = fields.map(({ quick }) => quick);
    return (source, run, at) => {
      if (run.stopped !== null) throw run.stopped;
      let waits = false;
      let ${['none', ...values].join()};
      try {${each.join('')}
      } catch (error) {
        if (waits) return rethrown(error, together({ ${entries.join()} }, fields, run, at));
        throw error;
      }
      const object = { ${entries.join()} };
      return waits ? together(object, fields, run, at) : object;
    };`;
  // Nothing in it was written by a client but the keys, which are names of GraphQL within the quotes of a string.
  // oxlint-disable-next-line no-implied-eval
  const make = new Function('fields', 'beginField', 'Completing', 'rethrown', 'together', code);
  const complete: Complete = make(fields, beginField, Completing, rethrown, together);
  return complete;
}

/** An object of an answer. No key of it is `__proto__`. */
type Answered = Record<string, unknown>;

/** What a resolver gave at once, and takes time to complete. What it has promised is not completed yet. */
class Completing {
  readonly promise: Promise<unknown>;

  constructor(promise: Promise<unknown>) {
    this.promise = promise;
  }
}

/** What has begun is waited for, as graphql-js does, so that no rejection is left alone. */
async function rethrown(thrown: unknown, begun: Promise<unknown>): Promise<never> {
  await begun.catch(() => {});
  throw thrown;
}

/** Puts what was waited for in its place. As few promises as can be: a page of runs has a hundred such objects. */
function together(object: Answered, fields: readonly Field[], run: Run, at: At | null): Promise<Answered> {
  let only: Promise<Answered> | null = null;
  let all: Promise<Answered>[] | null = null;
  for (const field of fields) {
    const value = object[field.key];
    if (!(value instanceof Promise || value instanceof Completing)) continue;
    const done = putWhenDone(object, field, value, run, at);
    if (only === null) only = done;
    else (all ??= [only]).push(done);
  }
  if (all !== null) return Promise.all(all).then(() => object);
  return only ?? Promise.resolve(object);
}

/** A function of its own, so that closures are made for what is waited for alone. */
function putWhenDone(
  object: Answered,
  { key, complete, place }: Field,
  value: Promise<unknown> | Completing,
  run: Run,
  at: At | null,
): Promise<Answered> {
  const put = (completed: unknown): Answered => {
    object[key] = completed;
    return object;
  };
  if (value instanceof Completing) return value.promise.then(put);
  return value.then(
    (kept) => andThen(completeNow(complete, kept, place, run, at), put),
    (error) => put(fail(error, place, run, at)),
  );
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

/** A field that is completed, or a promise of it. */
function runField(field: Field, source: unknown, run: Run, at: At | null): unknown {
  const value = beginField(field, source, run, at);
  if (value instanceof Completing) return value.promise;
  return value instanceof Promise ? completeLater(field.complete, value, field.place, run, at) : value;
}

/** A field that is completed, or `Completing`, or the promise of what is to be completed. */
function beginField(
  { place, resolve, info, args, complete, quick }: Field,
  source: unknown,
  run: Run,
  at: At | null,
): unknown {
  try {
    if (run.stopped !== null) throw run.stopped;
    const value = resolve(source, args === null ? NO_ARGS : argsOf(args, run), run.context, info);
    if (value instanceof Promise) return value;
    if (quick !== null) {
      const completed = quick(value);
      if (completed !== undefined) return completed;
    }
    const completed = completeNow(complete, value, place, run, at);
    return completed instanceof Promise ? new Completing(completed) : completed;
  } catch (error) {
    return fail(error, place, run, at);
  }
}
