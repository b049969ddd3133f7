import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  type VariableDefinitionNode,
  valueFromAST,
} from 'graphql';
import { isObject } from '../../lib/is-object.ts';
import type { Variables } from './arguments.ts';

/** Coerces the variables of a request; null where graphql-js has to coerce them, or to report an error. */
export type ReadVariables = (given: Readonly<Record<string, unknown>>) => Variables | null;

/** Compiles the coercion of an operation's variables. */
export type CompileVariables = (operation: OperationDefinitionNode) => ReadVariables;

/**
 * Creates a compiler of variable coercion: https://spec.graphql.org/October2021/#CoerceVariableValues(). Results are
 * those of graphql-js; unusual values are left to it.
 * @param maxItems the longest list that is coerced here
 */
export function variableCompiler(schema: GraphQLSchema, maxItems: number): CompileVariables {
  const known: Known = { maxItems, objects: new Map() };
  return (operation) => compileVariables(schema, operation, known);
}

/** What all operations share. */
interface Known {
  readonly maxItems: number;
  /** The coercion of each input object type: a document may have a thousand variables of one. */
  readonly objects: Map<GraphQLInputObjectType, Read>;
}

function compileVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  shared: Known,
): ReadVariables {
  const readers = (operation.variableDefinitions ?? []).map((node) => variableOf(schema, node, shared));
  return (given) => {
    const variables: Record<string, unknown> = {};
    for (const { name, read, ifMissing } of readers) {
      if (!Object.hasOwn(given, name)) {
        if (ifMissing === null) return null;
        if (ifMissing.value !== undefined) variables[name] = ifMissing.value;
        continue;
      }
      const value = read(given[name]);
      if (value === undefined) return null;
      variables[name] = value;
    }
    return variables;
  };
}

/** Coerces a value; undefined where graphql-js has to. */
type Read = (value: unknown) => unknown;

/** A variable or an input field. */
interface Entry {
  readonly name: string;
  readonly read: Read;
  /** The value when it is missing: undefined leaves it out. Null where it is required. */
  readonly ifMissing: { readonly value: unknown } | null;
}

function variableOf(schema: GraphQLSchema, node: VariableDefinitionNode, shared: Known): Entry {
  const name = node.variable.name.value;
  const type = typeFromAST(schema, node.type);
  if (!isInputType(type)) return { name, read: () => undefined, ifMissing: null };
  return entryOf(name, type, valueFromAST(node.defaultValue, type), shared);
}

function entryOf(name: string, type: GraphQLInputType, value: unknown, shared: Known): Entry {
  const isRequired = value === undefined && isNonNullType(type);
  return { name, read: readerOf(type, shared), ifMissing: isRequired ? null : { value } };
}

function readerOf(type: GraphQLInputType, shared: Known): Read {
  if (isNonNullType(type)) {
    const read = readerOf(type.ofType, shared);
    return (value) => (value === null ? undefined : read(value));
  }
  if (isListType(type)) return listOf(readerOf(type.ofType, shared), shared.maxItems);
  if (isInputObjectType(type)) {
    // A type may have itself among its fields: it is compiled when its first value comes.
    return (value) => objectReader(type, shared)(value);
  }
  return (value) => {
    if (value === null) return null;
    try {
      return type.parseValue(value);
    } catch {
      return undefined;
    }
  };
}

function objectReader(type: GraphQLInputObjectType, shared: Known): Read {
  let read = shared.objects.get(type);
  if (read === undefined) {
    const fields = Object.values(type.getFields());
    read = objectOf(fields.map((field) => entryOf(field.name, field.type, field.defaultValue, shared)));
    shared.objects.set(type, read);
  }
  return read;
}

function listOf(item: Read, maxItems: number): Read {
  return (value) => {
    if (value === null) return null;
    if (!Array.isArray(value) || value.length > maxItems) return undefined;
    const items: unknown[] = value.map(item);
    return items.includes(undefined) ? undefined : items;
  };
}

function objectOf(fields: readonly Entry[]): Read {
  return (given) => {
    if (given === null) return null;
    if (!isObject(given)) return undefined;
    const object: Record<string, unknown> = {};
    let known = 0;
    for (const { name, read, ifMissing } of fields) {
      const value = given[name];
      if (value === undefined) {
        if (ifMissing === null) return undefined;
        if (ifMissing.value !== undefined) object[name] = ifMissing.value;
        continue;
      }
      const result = read(value);
      if (result === undefined) return undefined;
      object[name] = result;
      known++;
    }
    return Object.keys(given).length === known ? object : undefined;
  };
}
