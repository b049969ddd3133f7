import { inspect } from 'node:util';
import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLError,
  GraphQLID,
  GraphQLInt,
  type GraphQLLeafType,
  GraphQLString,
} from 'graphql';
import { type At, type Complete, fail, NULL, type Place, type Run, type Text, together } from './run.ts';

/** What cannot be null. @param name of the field, for the error */
export function completeNonNull(complete: Complete, name: string): Complete {
  const check = (text: string): string => {
    if (text === NULL) throw new Error(`Cannot return null for non-nullable field ${name}.`);
    return text;
  };
  return (value, run, at) => {
    const text = complete(value, run, at);
    return typeof text === 'string' ? check(text) : text.then(check);
  };
}

/** What can be null. */
export function completeNullable(complete: Complete): Complete {
  return (value, run, at) => {
    if (value instanceof Error) throw value;
    return value == null ? NULL : complete(value, run, at);
  };
}

/** A list. @param item how its items are completed @param name of the field, for the error */
export function completeList(item: Complete, place: Place, name: string): Complete {
  return (list, run, outer) => {
    if (!isIterable(list)) {
      throw new Error(`Expected Iterable, but did not find one for field "${name}".`);
    }
    const texts: Text[] = [];
    let all = '';
    let waits = false;
    let index = 0;
    for (const value of list) {
      const text = completeItem(item, place, value, run, { index, outer });
      if (waits) texts.push(text);
      else if (typeof text === 'string') all += index === 0 ? text : `,${text}`;
      else {
        waits = true;
        texts.push(...(index === 0 ? [] : [all]), text);
      }
      index++;
    }
    return waits ? together(texts).then((done) => `[${done.join(',')}]`) : `[${all}]`;
  };
}

function completeItem(item: Complete, place: Place, value: unknown, run: Run, at: At): Text {
  try {
    const text = value instanceof Promise ? value.then((kept) => item(kept, run, at)) : item(value, run, at);
    return typeof text === 'string' ? text : text.then(undefined, (error) => fail(error, place, run, at));
  } catch (error) {
    return fail(error, place, run, at);
  }
}

function isIterable(list: unknown): list is Iterable<unknown> {
  return typeof list === 'object' && list !== null && Symbol.iterator in list;
}

/** A scalar or a value of an enumeration. */
export function completeLeaf(type: GraphQLLeafType): Complete {
  const serialize = (value: unknown): string => JSON.stringify(serialized(type, value));
  if (type === GraphQLString || type === GraphQLID) {
    return (value) => (typeof value === 'string' ? quote(value) : serialize(value));
  }
  if (type === GraphQLBoolean)
    return (value) => (value === true ? 'true' : value === false ? 'false' : serialize(value));
  if (type === GraphQLInt) return serialize;
  if (type instanceof GraphQLEnumType) {
    const texts = new Map<unknown, string>(
      type.getValues().map(({ name, value }) => [value, JSON.stringify(name)]),
    );
    return (value) => texts.get(value) ?? serialize(value);
  }
  return serialize;
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

function quote(text: string): string {
  return JSON.stringify(text);
}
