import type { Context } from '../context.ts';
import type { Args, Variables } from './arguments.ts';
import { type At, type Complete, fail, type Place, type Run, type Text, together } from './run.ts';

/** A field of an answer. */
export interface Field {
  /** Its name as the key of a JSON object, with the colon. */
  readonly key: string;
  readonly place: Place;
  readonly resolve: (source: unknown, args: Args, context: Context) => unknown;
  /** Null where the field takes none. */
  readonly args: ((variables: Variables) => Args) | null;
  readonly complete: Complete;
}

/** Names the type of an object; a promise is none of ours. */
export type ResolveType = (value: unknown, context: Context) => unknown;

const NO_ARGS: Args = {};

/** An object. Its fields are resolved one after the other, and wait for their promises together. */
export function completeFields(fields: readonly Field[]): Complete {
  return (source, run, at) => {
    let text = '';
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index];
      if (field === undefined) continue;
      const value = runField(field, source, run, at);
      if (typeof value !== 'string') return completeTogether(fields, index, text, value, source, run, at);
      text += (index === 0 ? '{' : ',') + field.key + value;
    }
    return text === '' ? '{}' : `${text}}`;
  };
}

/** An object from its first field on that has to be waited for. */
function completeTogether(
  fields: readonly Field[],
  from: number,
  before: string,
  first: Promise<string>,
  source: unknown,
  run: Run,
  at: At | null,
): Promise<string> {
  const values: Text[] = [first];
  try {
    for (const field of fields.slice(from + 1)) values.push(runField(field, source, run, at));
  } catch (error) {
    // What has begun is waited for, as graphql-js does, so that no rejection is left alone.
    const rethrow = (): never => {
      throw error;
    };
    return together(values).then(rethrow, rethrow);
  }
  return together(values).then((done) => {
    let text = before;
    for (const [index, value] of done.entries()) {
      text += (from + index === 0 ? '{' : ',') + (fields[from + index]?.key ?? '') + value;
    }
    return `${text}}`;
  });
}

/** The fields of a mutation: each begins when the one before it is done. */
export function runSerially(fields: readonly Field[], run: Run): Text {
  let text = '';
  for (const [index, field] of fields.entries()) {
    const value = runField(field, undefined, run, null);
    const start = text + (index === 0 ? '{' : ',') + field.key;
    if (typeof value !== 'string') return runRest(fields, index + 1, start, value, run);
    text = start + value;
  }
  return text === '' ? '{}' : `${text}}`;
}

async function runRest(
  fields: readonly Field[],
  from: number,
  start: string,
  first: Promise<string>,
  run: Run,
): Promise<string> {
  let text = start + (await first);
  for (const field of fields.slice(from))
    text += `,${field.key}${await runField(field, undefined, run, null)}`;
  return `${text}}`;
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

function runField({ place, resolve, args, complete }: Field, source: unknown, run: Run, at: At | null): Text {
  try {
    if (run.stopped !== null) throw run.stopped;
    const given = args === null ? NO_ARGS : args(run.variables);
    const value = resolve(source, given, run.context);
    const text =
      value instanceof Promise ? value.then((kept) => complete(kept, run, at)) : complete(value, run, at);
    return typeof text === 'string' ? text : text.then(undefined, (error) => fail(error, place, run, at));
  } catch (error) {
    return fail(error, place, run, at);
  }
}
