import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { minifyIntrospection, outputIntrospectionFile } from 'gql.tada/internal';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import { introspectionFromSchema, parse } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { printedSchema, schema } from '../../../src/schema/schema.ts';
import { snippetsOf } from '../../support/snippets.ts';

const TSC = resolve('node_modules/.bin/tsc');
const OPTIONS = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023'],
    types: [],
    allowImportingTsExtensions: true,
  },
};

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agent-graphql-types-'));
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  await cp('schema.graphql', join(folder, 'schema.graphql'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(OPTIONS));
});

afterEach(() => rm(folder, { recursive: true }));

/** Writes a program of docs/clients.md into the folder. */
async function write(name: string): Promise<string> {
  const snippet = snippetsOf('docs/clients.md').find(({ file }) => file === name);
  if (snippet === undefined) throw new Error(`docs/clients.md has no ${name}.`);
  await writeFile(join(folder, name), snippet.code);
  return join(folder, name);
}

/** What TypeScript says of the folder's programs. */
async function compile(): Promise<string> {
  try {
    return (await promisify(execFile)(TSC, ['-p', '.'], { cwd: folder })).stdout;
  } catch (error) {
    return z.object({ stdout: z.string() }).parse(error).stdout;
  }
}

const DOCUMENT = `
query Threads($filter: ThreadFilterInput) {
  threads(first: 20, filter: $filter) { nodes { id status createdAt metadata } }
}`;

describe('graphql-codegen', () => {
  it('should generate types by the configuration of docs/clients.md', async () => {
    const Config = z.object({
      default: z.object({
        generates: z.object({
          'src/graphql.ts': z.object({
            plugins: z.tuple([z.literal('typescript-operations')]),
            config: z.record(z.string(), z.unknown()),
          }),
        }),
      }),
    });
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(await write('codegen.ts')).href);
    const { config } = Config.parse(module).default.generates['src/graphql.ts'];
    await rm(join(folder, 'codegen.ts'));
    const generated = await codegen({
      schema: parse(printedSchema()),
      documents: [{ document: parse(DOCUMENT) }],
      config,
      filename: 'graphql.ts',
      pluginMap: { operations },
      plugins: [{ operations: {} }],
    });
    await writeFile(join(folder, 'graphql.ts'), generated);
    await writeFile(
      join(folder, 'use.ts'),
      `import type { ThreadsQuery, ThreadsQueryVariables } from './graphql.ts';
       export const variables: ThreadsQueryVariables = { filter: { metadata: { channel: 'web' } } };
       declare const data: ThreadsQuery;
       export const thread = data.threads.nodes[0]!;
       export const createdAt: string = thread.createdAt;
       export const metadata: Record<string, unknown> = thread.metadata;
       // @ts-expect-error: it is a string.
       export const wrong: number = thread.createdAt;`,
    );
    expect(await compile()).toBe('');
  });
});

describe('gql.tada', () => {
  it('should have the types of the program of docs/clients.md', async () => {
    const introspection = minifyIntrospection(introspectionFromSchema(schema));
    const types = outputIntrospectionFile(introspection, { fileType: '.d.ts', shouldPreprocess: true });
    await writeFile(join(folder, 'graphql-env.d.ts'), types);
    await write('tada.ts');
    await writeFile(
      join(folder, 'use.ts'),
      `import { graphql, type Thread } from './tada.ts';
       declare const thread: Thread;
       export const createdAt: string = thread.createdAt;
       export const metadata: Record<string, unknown> = thread.metadata;
       export const status: 'IDLE' | 'BUSY' | 'INTERRUPTED' | 'ERROR' = thread.status;
       // @ts-expect-error: it is a string.
       export const wrong: number = thread.createdAt;
       // @ts-expect-error: there is no such field.
       export const missing = thread.owner;`,
    );
    expect(await compile()).toBe('');
  });
});
