import { inspect } from 'node:util';
import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLError,
  GraphQLID,
  type GraphQLLeafType,
  GraphQLString,
} from 'graphql';
import { type At, type Complete, fail, type Place, type Run } from './execution-context.ts';

/** What cannot be null. @param name of the field, for the error */
export function completeNonNull(complete: Complete, name: string): Complete {
  const check = (value: unknown): unknown => {
    if (value === null) throw new Error(`Cannot return null for non-nullable field ${name}.`);
    return value;
  };
  return (value, run, at) => {
    const completed = complete(value, run, at);
    return completed instanceof Promise ? completed.then(check) : check(completed);
  };
}

/** What can be null. */
export function completeNullable(complete: Complete): Complete {
  return (value, run, at) => {
    if (value instanceof Error) throw value;
    return value == null ? null : complete(value, run, at);
  };
}

/** A list. @param item how its items are completed @param name of the field, for the error */
export function completeList(item: Complete, place: Place, name: string): Complete {
  return (list, run, outer) => {
    if (!isIterable(list)) {
      throw new Error(`Expected Iterable, but did not find one for field "${name}".`);
    }
    const completed: unknown[] = [];
    let waits = false;
    try {
      for (const value of list) {
        const at = { index: completed.length, outer };
        const one = beginItem(item, value, place, run, at);
        if (one instanceof Promise) waits = true;
        completed.push(one);
      }
    } catch (error) {
      // The error is what is answered; what has begun may fail as well, and nobody waits for it.
      if (waits) settled(completed, place, run, outer).catch(() => {});
      throw error;
    }
    return waits ? settled(completed, place, run, outer) : completed;
  };
}

/** An item that is completed, or a promise of it whose failure is nobody's yet. */
function beginItem(item: Complete, value: unknown, place: Place, run: Run, at: At): unknown {
  try {
    return value instanceof Promise ? value.then((kept) => item(kept, run, at)) : item(value, run, at);
  } catch (error) {
    return fail(error, place, run, at);
  }
}

/** All items of a list. Fails when one does that cannot be null. */
function settled(items: unknown[], place: Place, run: Run, outer: At | null): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    let waiting = 0;
    const put = (index: number, completed: unknown): void => {
      items[index] = completed;
      if (--waiting === 0) resolve(items);
    };
    const wait = (item: Promise<unknown>, index: number): void => {
      waiting++;
      void item.then(
        (completed) => put(index, completed),
        (thrown) => {
          try {
            put(index, fail(thrown, place, run, { index, outer }));
          } catch (error) {
            reject(error);
          }
        },
      );
    };
    for (let index = 0; index < items.length; index++) {
      const item = items[index];
      if (item instanceof Promise) wait(item, index);
    }
  });
}

function isIterable(list: unknown): list is Iterable<unknown> {
  return typeof list === 'object' && list !== null && Symbol.iterator in list;
}

/** A scalar or a value of an enumeration. */
export function completeLeaf(type: GraphQLLeafType): Complete {
  return (value) => serialized(type, value);
}

/** What a leaf's value becomes where that is plain; undefined where it is not. */
export function quickLeaf(type: GraphQLLeafType): (value: unknown) => unknown {
  if (type === GraphQLString || type === GraphQLID) {
    return (value) => (typeof value === 'string' ? value : undefined);
  }
  if (type === GraphQLBoolean) return (value) => (typeof value === 'boolean' ? value : undefined);
  if (type instanceof GraphQLEnumType) {
    const names = new Map<unknown, string>(type.getValues().map(({ name, value }) => [value, name]));
    return (value) => names.get(value);
  }
  return (value) => {
    try {
      return isPlain(value) ? serialized(type, value) : undefined;
    } catch {
      // It will be told of where its place is known.
      return undefined;
    }
  };
}

function isPlain(value: unknown): boolean {
  if (value == null || typeof value === 'function') return false;
  return !(value instanceof Error || value instanceof Promise);
}

/** As yoga's executor does, which tells nobody of the place that a GraphQLError brings along. */
function serialized(type: GraphQLLeafType, value: unknown): unknown {
  let result: unknown;
  try {
    result = type.serialize(value);
  } catch (error) {
    throw error instanceof GraphQLError ? new Error(error.message) : error;
  }
  if (result != null) return result;
  throw new Error(
    `Expected \`${type.name}.serialize(${inspect(value)})\` to return non-nullable value, returned: ${String(result)}`,
  );
}
