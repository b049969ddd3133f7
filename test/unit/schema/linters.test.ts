import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { printedSchema } from '../../../src/schema/schema.ts';

const CONTRACT = readFileSync(new URL('../../contract.graphql', import.meta.url), 'utf8');

describe('the rules of graphql-schema-linter', () => {
  it('should all be kept, none of them switched off', () => {
    expect(lint(printedSchema())).toEqual({ rules: 19, errors: [] });
  });

  it('should be broken by what is badly named, unsorted, unused or not described', () => {
    const { errors } = lint(`
      type Query { things: ThingConnection! b: colour, a_b: Int }
      type ThingConnection { edges: [Int], pageInfo: PageInfo }
      type PageInfo { hasNextPage: Boolean }
      enum colour { red, blue }
      type unused { "lower case" a: Int @deprecated }`);
    expect(new Set(errors.map(({ ruleName }) => ruleName))).toEqual(
      new Set([
        'defined-types-are-used',
        'deprecations-have-a-reason',
        'descriptions-are-capitalized',
        'enum-values-all-caps',
        'enum-values-have-descriptions',
        'enum-values-sorted-alphabetically',
        'fields-are-camel-cased',
        'fields-have-descriptions',
        'relay-connection-arguments-spec',
        'relay-connection-types-spec',
        'relay-page-info-spec',
        'type-fields-sorted-alphabetically',
        'types-are-capitalized',
        'types-have-descriptions',
      ]),
    );
  });
});

describe('graphql-inspector', () => {
  it('should find no breaking change from the contract', async () => {
    expect(await changesTo(printedSchema(), CriticalityLevel.Breaking)).toEqual([]);
  });

  it('should find no other dangerous change than a default that became optional', async () => {
    // A required field with a default cannot be left out by generated clients; `{}` still is its value where it is.
    expect(await changesTo(printedSchema(), CriticalityLevel.Dangerous)).toEqual(['RunEventInput.data']);
  });

  it('should notice a field that is removed, and an argument that is required', async () => {
    const changed = printedSchema()
      .replace(/"""[^"]*"""\s+createdAt: DateTime!/, '')
      .replace('  thread(\n', '  thread(required: Int!\n');
    expect(await changesTo(changed, CriticalityLevel.Breaking)).toEqual([
      'Assistant.createdAt',
      'Query.thread.required',
    ]);
  });
});

/** The members that a schema changes in the contract, of one level. */
async function changesTo(changed: string, level: CriticalityLevel): Promise<readonly string[]> {
  const changes = await diff(buildSchema(CONTRACT), buildSchema(changed));
  return changes.filter(({ criticality }) => criticality.level === level).map(({ path }) => path ?? '');
}

/** Lints a schema by all rules that the package has. */
function lint(definition: string) {
  const { validator, configuration } = Linter.parse(createRequire(import.meta.url)('graphql-schema-linter'));
  const input = { definition };
  const config = new configuration.Configuration(input, {});
  const rules = config.getRules();
  const errors = z
    .array(z.object({ ruleName: z.string(), message: z.string() }))
    .parse(validator.validateSchemaDefinition(input, rules, config));
  return { rules: rules.length, errors: errors.map(({ ruleName, message }) => ({ ruleName, message })) };
}

interface Configuration {
  getRules(): readonly unknown[];
}

/** What the package has, which is without types. */
const Linter = z.object({
  validator: z.object({
    validateSchemaDefinition: z.custom<
      (schema: { definition: string }, rules: readonly unknown[], configuration: Configuration) => unknown
    >((value) => typeof value === 'function'),
  }),
  configuration: z.object({
    Configuration: z.custom<new (schema: { definition: string }, options: object) => Configuration>(
      (value) => typeof value === 'function',
    ),
  }),
});
