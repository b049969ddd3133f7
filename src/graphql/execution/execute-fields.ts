import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../schema/context.ts';
import type { Args, Variables } from './arguments.ts';
import { isObject } from '../../lib/is-object.ts';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import {
  type Complete,
  completeLater,
  completeNow,
  type ExecutionContext,
  type FieldPosition,
  handleError,
  type ListIndex,
} from './execution-context.ts';
import type { Serializer } from './serialize.ts';

/** A selected field of an object type. */
export interface Field extends Serializer {
  /** Its response key. */
  readonly key: string;
  /** A JavaScript expression that reads it from `source`; null where a resolver returns it. */
  readonly expression: string | null;
  readonly position: FieldPosition;
  readonly resolve: (source: unknown, args: Args, context: Context, info: GraphQLResolveInfo) => unknown;
  readonly info: GraphQLResolveInfo;
  /** Coerces its arguments; null where it takes none. */
  readonly args: ((variables: Variables) => Args) | null;
  readonly complete: Complete;
  /** Completes the usual values of a leaf, and returns undefined for all others. Null where it is no leaf. */
  readonly fastSerialize: ((value: unknown) => unknown) | null;
  /** The key of `input` that names what it is about: see `SUBJECT`. Null where it has to be executed by itself. */
  readonly subject: string | null;
}

/** Returns the name of an object's type. */
export type ResolveType = (value: unknown, context: Context) => unknown;

const NO_ARGS: Args = {};

/** How many objects are completed by a loop before a function is generated for their selection set. */
const INTERPRETED = 100;

/**
 * Completes an object: resolves its fields one after the other, and waits for their promises together. After some
 * calls a generated function does it: with all names written out, V8 knows the shapes of what it reads and makes.
 */
export function completeFields(fields: readonly Field[]): Complete {
  let generated: Complete | null = null;
  let calls = 0;
  return (source, execution, listIndex) => {
    if (generated !== null) return generated(source, execution, listIndex);
    if (++calls > INTERPRETED) generated = generateFields(fields);
    return interpretFields(fields, source, execution, listIndex);
  };
}

function interpretFields(
  fields: readonly Field[],
  source: unknown,
  execution: ExecutionContext,
  listIndex: ListIndex | null,
): unknown {
  const object: ResponseObject = {};
  let waits = false;
  try {
    for (const field of fields) {
      const value = resolveField(field, source, execution, listIndex);
      object[field.key] = value;
      if (value instanceof Promise || value instanceof PendingValue) waits = true;
    }
  } catch (error) {
    if (waits) return rethrow(error, waitForFields(object, fields, execution, listIndex));
    throw error;
  }
  return waits ? waitForFields(object, fields, execution, listIndex) : object;
}

function generateFields(fields: readonly Field[]): Complete {
  const values = fields.map((_, index) => `v${index}`);
  const each = fields.map(({ expression, fastSerialize }, index) => {
    const isFast = expression !== null && fastSerialize !== null;
    return `
      v${index} = ${isFast ? `s${index}(${expression})` : 'undefined'};
      if (v${index} === undefined) {
        v${index} = resolveField(f${index}, source, execution, listIndex);
        if (v${index} instanceof Promise || v${index} instanceof PendingValue) waits = true;
      }`;
  });
  const entries = fields.map(({ key }, index) => `${JSON.stringify(key)}: v${index}`);
  const code = `
    const [${fields.map((_, index) => `f${index}`).join()}] = fields;
    const [${fields.map((_, index) => `s${index}`).join()}] = fields.map(({ fastSerialize }) => fastSerialize);
    return (source, execution, listIndex) => {
      let waits = false;
      let ${['none', ...values].join()};
      try {${each.join('')}
      } catch (error) {
        if (waits) return rethrow(error, waitForFields({ ${entries.join()} }, fields, execution, listIndex));
        throw error;
      }
      const object = { ${entries.join()} };
      return waits ? waitForFields(object, fields, execution, listIndex) : object;
    };`;
  // The only text of the client in it are response keys: GraphQL names, inside string literals.
  // oxlint-disable-next-line no-implied-eval
  const make = new Function('fields', 'resolveField', 'PendingValue', 'rethrow', 'waitForFields', code);
  const complete: Complete = make(fields, resolveField, PendingValue, rethrow, waitForFields);
  return complete;
}

/** An object of a response. None of its keys is `__proto__`. */
type ResponseObject = Record<string, unknown>;

/** A value that its resolver has returned, and whose completion takes a promise. */
class PendingValue {
  readonly promise: Promise<unknown>;

  constructor(promise: Promise<unknown>) {
    this.promise = promise;
  }
}

/** Throws an error once the sibling fields that have begun are done, so that none of their rejections is unhandled. */
async function rethrow(thrown: unknown, begun: Promise<unknown>): Promise<never> {
  await begun.catch(() => {});
  throw thrown;
}

/** Replaces the promises in an object by their values. Makes as few promises as possible. */
function waitForFields(
  object: ResponseObject,
  fields: readonly Field[],
  execution: ExecutionContext,
  listIndex: ListIndex | null,
): Promise<ResponseObject> {
  let only: Promise<ResponseObject> | null = null;
  let all: Promise<ResponseObject>[] | null = null;
  for (const field of fields) {
    const value = object[field.key];
    if (!(value instanceof Promise || value instanceof PendingValue)) continue;
    const done = waitForField(object, field, value, execution, listIndex);
    if (only === null) only = done;
    else (all ??= [only]).push(done);
  }
  if (all !== null) return Promise.all(all).then(() => object);
  return only ?? Promise.resolve(object);
}

/** A function of its own, so that closures are made only for fields that are waited for. */
function waitForField(
  object: ResponseObject,
  { key, complete, position }: Field,
  value: Promise<unknown> | PendingValue,
  execution: ExecutionContext,
  listIndex: ListIndex | null,
): Promise<ResponseObject> {
  const put = (completed: unknown): ResponseObject => {
    object[key] = completed;
    return object;
  };
  if (value instanceof PendingValue) return value.promise.then(put);
  return value.then(
    (resolved) => andThen(completeNow(complete, resolved, position, execution, listIndex), put),
    (error) => put(handleError(error, position, execution, listIndex)),
  );
}

/**
 * Executes the root fields of a mutation: each begins when the one before it is done, apart from fields about different
 * things, which begin together. One of them that fails the whole mutation later does not keep the others from being executed.
 */
export function executeSerially(fields: readonly Field[], execution: ExecutionContext): unknown {
  return executeFrom(0, fields, {}, execution);
}

/** No async function, which takes more memory: calls may wait for long. */
function executeFrom(
  index: number,
  fields: readonly Field[],
  object: ResponseObject,
  execution: ExecutionContext,
): MaybePromise<ResponseObject> {
  const field = fields[index];
  if (field === undefined) return object;
  const end = endOfIndependent(index, fields, execution);
  if (end > index + 1) {
    const executed = executeTogether(fields.slice(index, end), object, execution);
    return andThen(executed, () => executeFrom(end, fields, object, execution));
  }
  return andThen(executeField(field, execution), (value) => {
    object[field.key] = value;
    return executeFrom(index + 1, fields, object, execution);
  });
}

/** The end of the sequence of independent fields that begins at an index: they are about different things. */
function endOfIndependent(index: number, fields: readonly Field[], execution: ExecutionContext): number {
  const subjects: unknown[] = [];
  for (let end = index; ; end++) {
    const field = fields[end];
    const subject = field === undefined ? null : subjectOf(field, execution);
    if (subject === null || subjects.includes(subject)) return end;
    subjects.push(subject);
  }
}

/** Executes root fields that are independent of each other. */
function executeTogether(
  fields: readonly Field[],
  object: ResponseObject,
  execution: ExecutionContext,
): MaybePromise<void> {
  const begun: Promise<unknown>[] = [];
  try {
    for (const field of fields) {
      const value = executeField(field, execution);
      object[field.key] = value;
      if (value instanceof Promise) begun.push(value);
    }
  } catch (error) {
    if (begun.length > 0) return rethrow(error, Promise.allSettled(begun));
    throw error;
  }
  if (begun.length > 0) return finishFields(fields, object, Promise.allSettled(begun));
}

/** Replaces the promises of root fields by their values, once all are settled: none of their rejections is unhandled. */
async function finishFields(
  fields: readonly Field[],
  object: ResponseObject,
  settled: Promise<unknown>,
): Promise<void> {
  await settled;
  for (const { key } of fields) object[key] = await object[key];
}

/** What a root field is about; null where that is not known. */
function subjectOf({ subject, args }: Field, execution: ExecutionContext): unknown {
  if (subject === null || args === null) return null;
  try {
    const { input } = args(execution.variables);
    return isObject(input) ? (input[subject] ?? null) : null;
  } catch {
    // The field reports what is wrong with its arguments.
    return null;
  }
}

/** Completes an object of an abstract type. @param completes by the names of the possible types */
export function completeAbstract(
  typeOf: ResolveType,
  completes: ReadonlyMap<string, Complete>,
  name: string,
): Complete {
  return (value, execution, listIndex) => {
    const type = typeOf(value, execution.context);
    const complete = typeof type === 'string' ? completes.get(type) : undefined;
    if (complete === undefined) throw new Error(`"${name}" must be resolved to one of its types.`);
    return complete(value, execution, listIndex);
  };
}

/** The arguments of a field, which are the same for all objects of a selection set: it has several in a list alone. */
function argsOf(
  read: NonNullable<Field['args']>,
  execution: ExecutionContext,
  listIndex: ListIndex | null,
): Args {
  if (listIndex === null) return read(execution.variables);
  const args = (execution.args ??= new Map());
  const known = args.get(read);
  if (known !== undefined) return known;
  const made = read(execution.variables);
  args.set(read, made);
  return made;
}

/** Executes a root field. Returns the completed value, or a promise of it. */
function executeField(field: Field, execution: ExecutionContext): unknown {
  const value = resolveField(field, undefined, execution, null);
  if (value instanceof PendingValue) return value.promise;
  if (!(value instanceof Promise)) return value;
  return completeLater(field.complete, value, field.position, execution, null);
}

/** Resolves a field. Returns the completed value, a `PendingValue`, or the promise of a value to complete. */
function resolveField(
  { position, resolve, info, args, complete, fastSerialize }: Field,
  source: unknown,
  execution: ExecutionContext,
  listIndex: ListIndex | null,
): unknown {
  try {
    const given = args === null ? NO_ARGS : argsOf(args, execution, listIndex);
    const value = resolve(source, given, execution.context, info);
    if (value instanceof Promise) return value;
    if (fastSerialize !== null) {
      const completed = fastSerialize(value);
      if (completed !== undefined) return completed;
    }
    const completed = completeNow(complete, value, position, execution, listIndex);
    return completed instanceof Promise ? new PendingValue(completed) : completed;
  } catch (error) {
    return handleError(error, position, execution, listIndex);
  }
}
