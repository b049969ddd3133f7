import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { minifyIntrospection, outputIntrospectionFile } from 'gql.tada/internal';
import { introspectionFromSchema } from 'graphql';
import { z } from 'zod';
import { schema } from '../../../src/schema/schema.ts';

const TSC = resolve('node_modules/.bin/tsc');
const TSCONFIG = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023'],
    types: [],
    allowImportingTsExtensions: true,
  },
};

/** A folder with programs that TypeScript checks. They can import the packages that the tests have. */
export interface TypedFolder {
  readonly path: string;
  write(name: string, text: string): Promise<void>;
  /** Writes the types that gql.tada has of the schema, as its command does: `graphql-env.d.ts`. */
  writeTadaTypes(): Promise<void>;
  /** The errors of TypeScript in the programs. */
  compile(): Promise<string>;
  remove(): Promise<void>;
}

/** Opens an empty folder for programs. */
export async function openTypedFolder(): Promise<TypedFolder> {
  const path = await mkdtemp(join(tmpdir(), 'agent-graphql-types-'));
  const write = (name: string, text: string) => writeFile(join(path, name), text);
  await symlink(resolve('node_modules'), join(path, 'node_modules'));
  await write('package.json', '{"type":"module"}');
  await write('tsconfig.json', JSON.stringify(TSCONFIG));

  return {
    path,
    write,
    writeTadaTypes() {
      const introspection = minifyIntrospection(introspectionFromSchema(schema));
      const options = { fileType: '.d.ts', shouldPreprocess: true };
      return write('graphql-env.d.ts', outputIntrospectionFile(introspection, options));
    },
    async compile() {
      try {
        return (await promisify(execFile)(TSC, ['-p', '.'], { cwd: path })).stdout;
      } catch (error) {
        return z.object({ stdout: z.string() }).parse(error).stdout;
      }
    },
    remove: () => rm(path, { recursive: true }),
  };
}
