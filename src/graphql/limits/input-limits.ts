import {
  type DocumentNode,
  getNullableType,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isInputType,
  isLeafType,
  isListType,
  Kind,
  typeFromAST,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { apiError } from '../../errors.ts';
import { MAX_INPUT_KEYS } from '../../limits.ts';
import { MAX_IDS } from '../../store/rules/filter.ts';
import type { Variables } from './list-sizes.ts';

/** Refuses lists in a document that are too long: the store would find one in the middle of a mutation. */
export function checkLiterals(schema: GraphQLSchema, document: DocumentNode): void {
  // A list has a token for each of its values, at least.
  if (document.tokenCount !== undefined && document.tokenCount <= MAX_IDS) return;
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      // Lists within JSON have no type here.
      ListValue({ values }) {
        const type = types.getParentInputType();
        if (type != null && isListType(getNullableType(type))) assertLength('A list', values.length);
      },
    }),
  );
}

/**
 * Creates the check of a document's variables: refuses lists that are too long, and input objects with more keys than
 * any type has, which GraphQL would report with an error for each key.
 */
export function checkVariables(
  schema: GraphQLSchema,
  { definitions }: DocumentNode,
): (variables: Variables) => void {
  const declared: [name: string, type: GraphQLInputType][] = [];
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const { type, variable } of definition.variableDefinitions ?? []) {
      const given = typeFromAST(schema, type);
      if (isInputType(given) && !isLeafType(getNullableType(given)))
        declared.push([variable.name.value, given]);
    }
  }
  return (variables) => {
    if (variables == null) return;
    for (const [name, type] of declared) {
      if (Object.hasOwn(variables, name)) checkValue(`\`$${name.slice(0, 50)}\``, type, variables[name]);
    }
  };
}

function checkValue(where: string, type: GraphQLInputType, value: unknown): void {
  const nullable = getNullableType(type);
  if (isListType(nullable) && Array.isArray(value)) {
    assertLength(where, value.length);
    for (const item of value) checkValue(where, nullable.ofType, item);
  }
  if (!isInputObjectType(nullable) || typeof value !== 'object' || value === null) return;
  const given = new Map<string, unknown>(Object.entries(value));
  if (given.size > MAX_INPUT_KEYS) {
    throw tooLarge(`${where} has ${given.size} keys: at most ${MAX_INPUT_KEYS} are accepted.`);
  }
  for (const field of Object.values(nullable.getFields())) {
    checkValue(`${where}: \`${field.name}\``, field.type, given.get(field.name));
  }
}

function assertLength(where: string, length: number): void {
  if (length > MAX_IDS) throw tooLarge(`${where} has ${length} values: at most ${MAX_IDS} are accepted.`);
}

function tooLarge(message: string): Error {
  return apiError('BAD_USER_INPUT', message, { status: 400 });
}
