import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { addTypenameSelectionDocumentTransform, preset } from '@graphql-codegen/client-preset';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import { buildSchema, parse } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { printedSchema } from '../../../src/schema/schema.ts';
import { blocksOf } from '../../support/blocks.ts';
import { snippetsOf } from '../../support/snippets.ts';
import { openTypedFolder, type TypedFolder } from './typed-folder.ts';

let folder: TypedFolder;

beforeEach(async () => {
  folder = await openTypedFolder();
  await folder.write('schema.graphql', printedSchema());
});

afterEach(() => folder.remove());

/** Writes a program of docs/clients.md into the folder. */
async function write(name: string): Promise<string> {
  const snippet = snippetsOf('docs/clients.md').find(({ file }) => file === name);
  if (snippet === undefined) throw new Error(`docs/clients.md has no ${name}.`);
  await folder.write(name, snippet.code);
  return join(folder.path, name);
}

/** The blocks of docs/trusted-documents.md in a language. */
function trustedBlocks(language: string): readonly string[] {
  return blocksOf('docs/trusted-documents.md').flatMap((block) =>
    block.language === language ? [block.body] : [],
  );
}

/** The transform of the preset, and no other. */
const AddTypename = z.custom<typeof addTypenameSelectionDocumentTransform>(
  (value) => value === addTypenameSelectionDocumentTransform,
);

const DOCUMENT = `
query Threads($filter: ThreadFilterInput) {
  threads(first: 20, filter: $filter) { nodes { id status createdAt metadata } }
}`;

describe('graphql-codegen', () => {
  it('should write the hashes that docs/trusted-documents.md shows, by its configuration', async () => {
    const [config = ''] = trustedBlocks('ts');
    await folder.write('codegen.ts', config);
    const Config = z.object({
      default: z.object({
        generates: z.object({
          'src/gql/': z.object({
            preset: z.literal('client'),
            presetConfig: z.object({ persistedDocuments: z.boolean() }),
            documentTransforms: z.tuple([AddTypename]),
          }),
        }),
      }),
    });
    const module: unknown = await import(
      /* @vite-ignore */ pathToFileURL(join(folder.path, 'codegen.ts')).href
    );
    const { presetConfig, documentTransforms } = Config.parse(module).default.generates['src/gql/'];
    const rawSDL = 'query Threads { threads { nodes { id } totalCount } }';
    expect(readFileSync('docs/trusted-documents.md', 'utf8')).toContain(`\`${rawSDL}\``);
    const outputs = await preset.buildGeneratesSection({
      baseOutputDir: 'src/gql/',
      config: {},
      presetConfig,
      schema: parse(printedSchema()),
      schemaAst: buildSchema(printedSchema()),
      documents: [{ location: 'src/threads.ts', document: parse(rawSDL), rawSDL }],
      plugins: [],
      pluginMap: {},
      pluginContext: {},
      documentTransforms: documentTransforms.map((transformObject) => ({
        name: 'add-typename',
        transformObject,
        config: {},
      })),
    });
    const written = new Map<string, string>();
    for (const output of outputs) written.set(output.filename, await codegen(output));
    const [shown = ''] = trustedBlocks('json');
    expect(JSON.parse(written.get('src/gql/persisted-documents.json') ?? '')).toEqual(JSON.parse(shown));
  });

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
    await rm(join(folder.path, 'codegen.ts'));
    const generated = await codegen({
      schema: parse(printedSchema()),
      documents: [{ document: parse(DOCUMENT) }],
      config,
      filename: 'graphql.ts',
      pluginMap: { operations },
      plugins: [{ operations: {} }],
    });
    await folder.write('graphql.ts', generated);
    await folder.write(
      'use.ts',
      `import type { ThreadsQuery, ThreadsQueryVariables } from './graphql.ts';
       export const variables: ThreadsQueryVariables = { filter: { metadata: { channel: 'web' } } };
       declare const data: ThreadsQuery;
       export const thread = data.threads.nodes[0]!;
       export const createdAt: string = thread.createdAt;
       export const metadata: Record<string, unknown> = thread.metadata;
       // @ts-expect-error: it is a string.
       export const wrong: number = thread.createdAt;`,
    );
    expect(await folder.compile()).toBe('');
  });
});

describe('gql.tada', () => {
  it('should have the types of the program of docs/clients.md', async () => {
    await folder.writeTadaTypes();
    await write('tada.ts');
    await folder.write(
      'use.ts',
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
    expect(await folder.compile()).toBe('');
  });
});
