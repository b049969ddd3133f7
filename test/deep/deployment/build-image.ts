import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Instruction, stagesOf } from './dockerfile.ts';

/** What a Dockerfile makes: a file system, and how a container is started with it. */
export interface Image {
  /** The folder that stands for `/`. */
  readonly root: string;
  /** Where its commands are executed: in the folder. */
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly number[];
  readonly user: { readonly uid: number; readonly gid: number };
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  remove(): Promise<void>;
}

type Draft = { -readonly [Key in keyof Image]?: Image[Key] } & { root: string; workdir: string };

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
/** What is in the image of Node.js besides its system. */
const BASE_FILES = [
  'opt/yarn-v1.22.22/bin/yarn',
  'usr/local/lib/node_modules/npm/package.json',
  'usr/local/lib/node_modules/corepack/package.json',
  ...['node', 'npm', 'npx', 'corepack', 'yarn', 'yarnpkg', 'docker-entrypoint.sh'].map(
    (name) => `usr/local/bin/${name}`,
  ),
];

/**
 * Executes a Dockerfile of the project, each instruction in its order. Each stage is a folder, where commands are executed
 * by this machine's Node.js and npm; the absolute paths in them are the folder's.
 */
export async function buildImage(): Promise<Image> {
  const base = await mkdtemp(join(tmpdir(), 'agent-graphql-image-'));
  // The user of the image may read it.
  await chmod(base, 0o755);
  const context = await buildContext();
  const stages = new Map<string, string>();
  let image: Draft | undefined;
  for (const [index, stage] of stagesOf(await readFile(join(PROJECT, 'Dockerfile'), 'utf8')).entries()) {
    image = await baseImage(join(base, `${index}`));
    for (const instruction of stage.instructions) await execute(instruction, image, context, stages);
    stages.set(stage.name ?? `${index}`, image.root);
  }
  return complete(image, () => rm(base, { recursive: true }));
}

/** The names that `.dockerignore` lets through. */
async function buildContext(): Promise<ReadonlySet<string>> {
  const lines = (await readFile(join(PROJECT, '.dockerignore'), 'utf8')).split('\n');
  const [first, ...others] = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (first !== '*' || others.some((line) => !line.startsWith('!')))
    throw new Error('.dockerignore must name what it lets through.');
  return new Set(others.map((line) => line.slice(1)));
}

async function baseImage(root: string): Promise<Draft> {
  for (const name of BASE_FILES) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), '');
  }
  return { root, workdir: root };
}

async function execute(
  { name, value }: Instruction,
  image: Draft,
  context: ReadonlySet<string>,
  stages: ReadonlyMap<string, string>,
): Promise<void> {
  switch (name) {
    case 'WORKDIR':
      image.workdir = join(image.root, value);
      await mkdir(image.workdir, { recursive: true });
      return;
    case 'COPY':
      return copy(value, image, context, stages);
    case 'RUN':
      return run(value, image);
    case 'ENV':
      image.env = Object.fromEntries(value.split(' ').map((pair) => pair.split('=')));
      return;
    case 'EXPOSE':
      image.ports = value.split(' ').map(Number);
      return;
    case 'USER': {
      const [uid = Number.NaN, gid = Number.NaN] = value.split(':').map(Number);
      image.user = { uid, gid };
      return;
    }
    case 'HEALTHCHECK':
      image.healthCheck = JSON.parse(value.slice(value.indexOf('CMD ') + 4));
      return;
    case 'CMD':
      image.command = JSON.parse(value);
      return;
    case 'LABEL':
      return;
    default:
      throw new Error(`Nothing here executes ${name}.`);
  }
}

async function copy(
  value: string,
  { workdir }: Draft,
  context: ReadonlySet<string>,
  stages: ReadonlyMap<string, string>,
): Promise<void> {
  const words = value.split(/ +/);
  const [, stage] = /^--from=(.+)$/.exec(words[0] ?? '') ?? [];
  const from = stage === undefined ? PROJECT : stages.get(stage);
  if (from === undefined) throw new Error(`There is no stage ${stage}.`);
  const sources = stage === undefined ? words.slice(0, -1) : words.slice(1, -1);
  const target = words.at(-1) ?? '';
  for (const source of sources) {
    if (stage === undefined && !context.has(source)) throw new Error(`.dockerignore hides ${source}.`);
    const path = join(from, source);
    const isFolder = (await stat(path)).isDirectory();
    // A folder's contents are copied; a file is put into what ends with a slash.
    const to = join(workdir, target, !isFolder && target.endsWith('/') ? basename(source) : '');
    await cp(path, to, { recursive: true, verbatimSymlinks: true });
  }
}

async function run(command: string, { root, workdir }: Draft): Promise<void> {
  if (command === 'npm ci') {
    // The project has installed them already, from the same files.
    await symlink(join(PROJECT, 'node_modules'), join(workdir, 'node_modules'));
    return;
  }
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, npm_config_prefer_offline: 'true' };
  const within = command.replaceAll(/(?<= )\/(?=\w)/g, `${root}/`);
  await promisify(execFile)('/bin/sh', ['-c', within], { cwd: workdir, env });
}

function complete(draft: Draft | undefined, remove: Image['remove']): Image {
  if (draft === undefined) throw new Error('There is no stage.');
  const { root, workdir, env = {}, ports = [], user, command, healthCheck } = draft;
  if (user === undefined || command === undefined || healthCheck === undefined)
    throw new Error('The last stage lacks USER, CMD or HEALTHCHECK.');
  return { root, workdir, env, ports, user, command, healthCheck, remove };
}
