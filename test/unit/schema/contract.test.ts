import { readFileSync } from 'node:fs';
import {
  buildSchema,
  DangerousChangeType,
  findBreakingChanges,
  findDangerousChanges,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { printedSchema, schema } from '../../../src/schema/schema.ts';

const contract = buildSchema(read('../../contract.graphql'));

describe('schema.graphql', () => {
  it('should be what the code says', () => {
    expect(read('../../../schema.graphql')).toBe(printedSchema());
  });
});

describe('the contract', () => {
  it('should be kept: nothing in it is taken away', () => {
    expect(findBreakingChanges(contract, schema)).toEqual([]);
  });

  it('should be kept: no argument gets another default value', () => {
    const changes = findDangerousChanges(contract, schema);
    expect(changes.filter(({ type }) => type === DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE)).toEqual([]);
  });

  it('should be kept: what specifies the scalars', () => {
    expect(specified(schema)).toEqual(expect.arrayContaining(specified(contract)));
    expect(specified(contract)).toHaveLength(2);
  });

  it('should be kept: the interfaces of each type', () => {
    expect(implemented(schema)).toEqual(expect.arrayContaining(implemented(contract)));
    expect(implemented(contract)).toHaveLength(3);
  });
});

describe('every member of the schema', () => {
  it('should be described', () => {
    const members = described(schema);
    expect(members.filter(([, description]) => description.trim() === '')).toEqual([]);
    expect(members.length).toBeGreaterThan(200);
  });
});

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

function ownTypes(from: typeof schema) {
  return Object.values(from.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
}

function specified(from: typeof schema) {
  return ownTypes(from).flatMap((type) => (isScalarType(type) ? [[type.name, type.specifiedByURL]] : []));
}

function implemented(from: typeof schema): string[] {
  return ownTypes(from).flatMap((type) =>
    isObjectType(type) || isInterfaceType(type)
      ? type.getInterfaces().map((parent) => `${type.name} implements ${parent.name}`)
      : [],
  );
}

/** Every type, field, argument, input field and enum value with its description. */
function described(from: typeof schema): [where: string, description: string][] {
  const all: [string, string][] = [];
  const add = (where: string, { description }: { readonly description?: string | null | undefined }) =>
    void all.push([where, description ?? '']);
  for (const type of ownTypes(from)) {
    add(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) add(`${type.name}.${value.name}`, value);
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) add(`${type.name}.${field.name}`, field);
    }
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        add(`${type.name}.${field.name}`, field);
        for (const arg of field.args) add(`${type.name}.${field.name}(${arg.name}:)`, arg);
      }
    }
  }
  return all;
}
