import { inspect } from 'node:util';
import { GraphQLBoolean, GraphQLEnumType, GraphQLID, type GraphQLLeafType, GraphQLString } from 'graphql';
import { StoredJson } from '../../lib/stored-json.ts';
import {
  type Complete,
  type ExecutionContext,
  type FieldPosition,
  handleError,
  type ListIndex,
} from './execution-context.ts';

/** Completes a non-null type. @param name the field's name in errors: `Type.field` */
export function completeNonNull(complete: Complete, name: string): Complete {
  const check = (value: unknown): unknown => {
    if (value === null) throw new Error(`Cannot return null for non-nullable field ${name}.`);
    return value;
  };
  return (value, execution, listIndex) => {
    const completed = complete(value, execution, listIndex);
    return completed instanceof Promise ? completed.then(check) : check(completed);
  };
}

/** Completes a nullable type. */
export function completeNullable(complete: Complete): Complete {
  return (value, execution, listIndex) => {
    if (value instanceof Error) throw value;
    return value == null ? null : complete(value, execution, listIndex);
  };
}

/** Completes a list. @param item completes an item @param name the field's name in errors: `Type.field` */
export function completeList(item: Complete, position: FieldPosition, name: string): Complete {
  return (list, execution, outer) => {
    if (!isIterable(list)) {
      throw new Error(`Expected Iterable, but did not find one for field "${name}".`);
    }
    const completed: unknown[] = [];
    let waits = false;
    try {
      for (const value of list) {
        const listIndex = { index: completed.length, outer };
        const one = beginItem(item, value, position, execution, listIndex);
        if (one instanceof Promise) waits = true;
        completed.push(one);
      }
    } catch (error) {
      // Items that have begun may be rejected as well: this error is the one that counts.
      if (waits) waitForItems(completed, position, execution, outer).catch(() => {});
      throw error;
    }
    return waits ? waitForItems(completed, position, execution, outer) : completed;
  };
}

/** Completes an item. A promise that it returns may be rejected: `waitForItems` handles the error. */
function beginItem(
  item: Complete,
  value: unknown,
  position: FieldPosition,
  execution: ExecutionContext,
  listIndex: ListIndex,
): unknown {
  try {
    return value instanceof Promise
      ? value.then((kept) => item(kept, execution, listIndex))
      : item(value, execution, listIndex);
  } catch (error) {
    return handleError(error, position, execution, listIndex);
  }
}

/** Replaces the promises in a list by their values. Is rejected when an item fails that cannot be null. */
function waitForItems(
  items: unknown[],
  position: FieldPosition,
  execution: ExecutionContext,
  outer: ListIndex | null,
): Promise<unknown[]> {
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
            put(index, handleError(thrown, position, execution, { index, outer }));
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

/** Completes a scalar or an enum. */
export function completeLeaf(type: GraphQLLeafType): Complete {
  return (value) => serialized(type, value);
}

/** A function that completes the usual values of a leaf type, and returns undefined for all others. */
export function fastLeaf(type: GraphQLLeafType): (value: unknown) => unknown {
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
      // It is thrown again by `completeLeaf`, where its position is known.
      return undefined;
    }
  };
}

function isPlain(value: unknown): boolean {
  if (value == null || typeof value === 'function') return false;
  return !(value instanceof Error || value instanceof Promise);
}

/** Serializes a value. Stored JSON stays as it is until the response is written. */
function serialized(type: GraphQLLeafType, value: unknown): unknown {
  if (value instanceof StoredJson) return value;
  const result: unknown = type.serialize(value);
  if (result != null) return result;
  throw new Error(
    `Expected \`${type.name}.serialize(${inspect(value)})\` to return non-nullable value, returned: ${String(result)}`,
  );
}
