import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import * as operations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { printedSchema } from '../../../src/schema/schema.ts';
import { openTypedFolder, type TypedFolder } from './typed-folder.ts';

const SCALARS = { DateTime: 'string', JSONObject: 'Record<string, unknown>' };

const READ = `query Read($id: ID!, $filter: RunFilterInput) {
  node(id: $id) { __typename id ... on Thread { status } ... on Run { output error { code } } }
  runs(first: 2, filter: $filter) { totalCount edges { cursor node { status thread { metadata } } } }
}`;
const CREATE = `mutation Create($input: CreateRunInput!) {
  createRun(input: $input) { run { id createdAt attempt } userErrors { code field } }
}`;
const WATCH = 'subscription Watch { runChanged { kind deletedRunId run { finishedAt } } }';

/** Compiles only where the types of `generated.ts` are these, whose equality is told apart from `any`. */
const EXPECTED = `
import type { Create, CreateVariables, Read, ReadVariables, Watch } from './generated.ts';

type Json = Record<string, unknown>;
type RunStatus = 'PENDING' | 'RUNNING' | 'SUCCESS' | 'ERROR' | 'TIMEOUT' | 'INTERRUPTED' | 'CANCELLED';
type ExpectedRead = {
  node:
    | null
    | { __typename: 'Assistant'; id: string }
    | { __typename: 'Thread'; id: string; status: 'IDLE' | 'BUSY' | 'INTERRUPTED' | 'ERROR' }
    | { __typename: 'Run'; id: string; output: Json | null; error: { code: string } | null };
  runs: {
    totalCount: number;
    edges: { cursor: string; node: { status: RunStatus; thread: { metadata: Json } | null } }[];
  };
};
type ExpectedCreate = {
  createRun: {
    run: { id: string; createdAt: string; attempt: number } | null;
    userErrors: { code: 'INVALID' | 'CONFLICT' | 'NOT_FOUND'; field: string[] | null }[];
  };
};
type ExpectedWatch = {
  runChanged: {
    kind: 'CREATED' | 'UPDATED' | 'DELETED';
    deletedRunId: string | null;
    run: { finishedAt: string | null } | null;
  };
};

type Plain<T> = T extends readonly (infer Item)[] ? Plain<Item>[] : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Same<A, B> = (<T>() => T extends Plain<A> ? 1 : 2) extends (<T>() => T extends Plain<B> ? 1 : 2) ? true : false;
export const same: [Same<Read, ExpectedRead>, Same<Create, ExpectedCreate>, Same<Watch, ExpectedWatch>] = [true, true, true];

export const read: ReadVariables = { id: 'an id', filter: { status: ['PENDING'], metadata: { channel: 'web' } } };
export const least: CreateVariables = { input: { assistantId: 'an id' } };
export const most: CreateVariables = {
  input: { assistantId: 'an id', threadId: null, input: { text: 'Hello.' }, multitaskStrategy: 'REJECT', maxAttempts: 2 },
};
// @ts-expect-error: a required field is missing.
export const missing: CreateVariables = { input: {} };
// @ts-expect-error: there is no such field.
export const unknown: CreateVariables = { input: { assistantId: 'an id', owner: 'alice' } };
// @ts-expect-error: there is no such status.
export const status: ReadVariables = { id: 'an id', filter: { status: ['DONE'] } };
// @ts-expect-error: it is an object.
export const text: CreateVariables = { input: { assistantId: 'an id', input: 'Hello.' } };
`;

/** The same for an input with a default, which gql.tada lets be null. */
const NOT_NULL = `
// @ts-expect-error: it cannot be null.
export const nothing: CreateVariables = { input: { assistantId: 'an id', maxAttempts: null } };
`;

let folder: TypedFolder;

beforeEach(async () => {
  folder = await openTypedFolder();
});

afterEach(() => folder.remove());

describe('graphql-codegen', () => {
  it("should know an operation's exact types", async () => {
    await generate('operations.ts', { operations }, [READ, CREATE, WATCH]);
    await folder.write(
      'generated.ts',
      `export type {
         CreateMutation as Create, CreateMutationVariables as CreateVariables,
         ReadQuery as Read, ReadQueryVariables as ReadVariables, WatchSubscription as Watch,
       } from './operations.ts';`,
    );
    await folder.write('expected.ts', EXPECTED + NOT_NULL);
    expect(await folder.compile()).toBe('');
  });

  it('should know all types of the schema', async () => {
    await generate('schema.ts', { typescript });
    await folder.write(
      'use.ts',
      `import type { Assistant, CreateRunInput, Run } from './schema.ts';
       declare const assistant: Assistant;
       export const config: Record<string, unknown> = assistant.config;
       declare const run: Run;
       export const createdAt: string = run.createdAt;
       export const input: CreateRunInput = { assistantId: run.assistantId };
       // @ts-expect-error: a client's input is no run.
       export const wrong: Run = input;`,
    );
    expect(await folder.compile()).toBe('');
  });

  it('should be told of a scalar without a type', async () => {
    const generated = generate('schema.ts', { typescript }, [], { DateTime: 'string' });
    await expect(generated).rejects.toThrow('JSONObject');
  });
});

describe('gql.tada', () => {
  it("should know an operation's exact types", async () => {
    await folder.writeTadaTypes();
    await folder.write(
      'generated.ts',
      `import { initGraphQLTada, type ResultOf, type VariablesOf } from 'gql.tada';
       import type { introspection } from './graphql-env.d.ts';
       const graphql = initGraphQLTada<{
         introspection: introspection;
         scalars: { DateTime: string; JSONObject: Record<string, unknown> };
       }>();
       const read = graphql(\`${READ}\`);
       const create = graphql(\`${CREATE}\`);
       const watch = graphql(\`${WATCH}\`);
       export type Read = ResultOf<typeof read>;
       export type ReadVariables = VariablesOf<typeof read>;
       export type Create = ResultOf<typeof create>;
       export type CreateVariables = VariablesOf<typeof create>;
       export type Watch = ResultOf<typeof watch>;`,
    );
    await folder.write('expected.ts', EXPECTED);
    expect(await folder.compile()).toBe('');
  });
});

/** Writes what plugins of graphql-codegen generate. */
async function generate(
  filename: string,
  pluginMap: Parameters<typeof codegen>[0]['pluginMap'],
  documents: readonly string[] = [],
  scalars: Readonly<Record<string, string>> = SCALARS,
): Promise<void> {
  const generated = await codegen({
    schema: parse(printedSchema()),
    documents: documents.map((text) => ({ document: parse(text) })),
    config: { strictScalars: true, scalars },
    filename,
    pluginMap,
    plugins: Object.keys(pluginMap).map((name) => ({ [name]: {} })),
  });
  await folder.write(filename, generated);
}
