import { GraphQLError, Kind, type ObjectValueNode, type ValueNode } from 'graphql';
import { StoredJson } from '../lib/stored-json.ts';
import type { Json, JsonObject } from '../store/records.ts';
import { setKey } from '../store/rules/json.ts';
import { builder } from './builder.ts';

builder.scalarType('JSONObject', {
  description: 'A JSON object with arbitrary values. Arrays and bare scalars are rejected.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-4',
  serialize: (value) => (value instanceof StoredJson ? value.toJSON() : value),
  parseValue(value) {
    if (!isJsonObject(value)) throw notAnObject();
    return value;
  },
  parseLiteral(node, variables) {
    if (node.kind !== Kind.OBJECT) throw notAnObject(node);
    return readObject(node, variables);
  },
});

type Variables = Readonly<Record<string, unknown>> | null | undefined;

function readObject(node: ObjectValueNode, variables: Variables): JsonObject {
  const object: Record<string, Json> = {};
  for (const { name, value } of node.fields) {
    // As in input objects, a variable that is not given leaves its key out.
    if (value.kind === Kind.VARIABLE && variableOf(value.name.value, variables) === undefined) continue;
    setKey(object, name.value, readValue(value, variables));
  }
  return object;
}

function readValue(node: ValueNode, variables: Variables): Json {
  switch (node.kind) {
    case Kind.OBJECT:
      return readObject(node, variables);
    case Kind.LIST:
      return node.values.map((item) => readValue(item, variables));
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.VARIABLE:
      return readVariable(variableOf(node.name.value, variables));
    case Kind.ENUM:
      throw new GraphQLError(`JSON has no bare words: write ${JSON.stringify(node.value)} in quotes.`, {
        nodes: node,
      });
  }
}

function variableOf(name: string, variables: Variables): unknown {
  return variables != null && Object.hasOwn(variables, name) ? variables[name] : undefined;
}

/** Variables come from JSON, or as enum values and input objects made of it. */
function readVariable(value: unknown): Json {
  return isJson(value) ? value : null;
}

function isJson(value: unknown): value is Json {
  return value !== undefined;
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notAnObject(node?: ValueNode): GraphQLError {
  return new GraphQLError('A JSON object is expected here.', node && { nodes: node });
}
