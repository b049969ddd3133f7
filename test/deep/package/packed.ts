import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { ask } from '../../support/on-demand.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** What is packed besides what was built. */
const PARTS = ['.env.example', 'README.md', 'LICENSE', 'CHANGELOG.md', 'schema.graphql'];
const NPM = ['--no-audit', '--no-fund', '--no-update-notifier'];

/** The output of the compiler, and its exit code. */
export interface Compiled {
  readonly code: number;
  readonly lines: readonly string[];
}

/** The package as it would be published, and a folder in which it is installed, with what it needs in production. */
export interface PackedProject {
  readonly tarball: Uint8Array;
  /** The paths in the package. */
  readonly files: readonly string[];
  /** The `exports` of its package.json. */
  readonly exports: Readonly<Record<string, string | object>>;
  readonly folder: string;
  /** Compiles a program that uses the package, for Node.js. */
  compile(source: string, skipLibCheck: boolean): Promise<Compiled>;
  remove(): Promise<void>;
}

/** Packs the project as it was built for this run, and installs it in an empty folder. */
export async function installPacked(): Promise<PackedProject> {
  const built = await ask(inject('shared').askAt, 'build');
  const base = await mkdtemp(join(tmpdir(), 'agent-graphql-package-'));
  const project = join(base, 'project');
  const folder = join(base, 'consumer');
  for (const part of ['dist', 'package.json'])
    await cp(join(built, part), join(project, part), { recursive: true });
  for (const part of PARTS) await cp(join(ROOT, part), join(project, part));
  // It is built already.
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', base],
    project,
  );
  const [packed] = parsePacked(stdout);
  if (packed === undefined) throw new Error(`npm packed nothing: ${stdout}`);
  const tarball = join(base, packed.filename);
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  await run('npm', ['install', tarball, '--prefer-offline', '--omit=dev', ...NPM], folder);
  const manifest = parseManifest(await readFile(join(ROOT, 'package.json'), 'utf8'));
  // Applications install the optional peers.
  for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
    const link = join(folder, 'node_modules', peer);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', peer), link);
  }
  return {
    exports: manifest.exports,
    tarball: await readFile(tarball),
    files: packed.files.map(({ path }) => path),
    folder,
    async compile(source, skipLibCheck) {
      await installNodeTypes(folder);
      await writeFile(join(folder, 'program.ts'), source);
      const compilerOptions = {
        module: 'nodenext',
        target: 'es2023',
        strict: true,
        noEmit: true,
        skipLibCheck,
        types: ['node'],
      };
      await writeFile(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['program.ts'] }),
      );
      return compileIn(folder);
    },
    remove: () => rm(base, { recursive: true }),
  };
}

/** The types of Node.js, as every such program installs them. */
async function installNodeTypes(folder: string): Promise<void> {
  const types = join(folder, 'node_modules/@types');
  await mkdir(types, { recursive: true });
  await symlink(join(ROOT, 'node_modules/@types/node'), join(types, 'node')).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
}

async function compileIn(folder: string): Promise<Compiled> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  try {
    const { stdout } = await run(process.execPath, [tsc, '--project', folder, '--pretty', 'false'], folder);
    return { code: 0, lines: linesOf(stdout) };
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'code' in error)) throw error;
    return { code: Number(error.code), lines: linesOf(String(error.stdout)) };
  }
}

/** The first line of each error. */
function linesOf(printed: string): readonly string[] {
  return printed.split('\n').filter((line) => /error TS/.test(line));
}

function run(command: string, args: readonly string[], cwd: string) {
  return promisify(execFile)(command, args, { cwd, maxBuffer: 16_777_216 });
}

interface Manifest {
  readonly exports: PackedProject['exports'];
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const parseManifest = (json: string): Manifest => JSON.parse(json);

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const parsePacked = (json: string): readonly Packed[] => JSON.parse(json);
