import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Project, Started } from '../process/project.ts';
import { blocksOf, withOutputs } from './blocks.ts';
import { Names } from './document.ts';

/** A program in a document: a block of `ts` or `js`. */
export interface Snippet {
  /** The name in its first line, as in `// worker.ts`, under which others import it. Default: a number. */
  readonly file: string;
  readonly code: string;
  /** What it prints: the block after it, of JSON or without a language; null where another one follows. */
  readonly output: string | null;
}

/** What a program that is run to its end did. */
interface Result {
  readonly snippet: Snippet;
  /** With the document's names for ids. */
  readonly output: string;
  readonly code: number | null;
  readonly stderr: string;
}

const TSX = fileURLToPath(import.meta.resolve('tsx'));
const FILE = /^\/\/ (\S+\.[tj]s)\n/;
/** Programs that run until they are stopped. */
const WORKER = /createWorker\(/;
/** The programs of a document, in order. @param path from the project's root */
export function snippetsOf(path: string): readonly Snippet[] {
  return withOutputs(blocksOf(path), ['ts', 'js']).map(({ language, body, output }, index) => {
    const [, file = `${index}.${language}`] = FILE.exec(body) ?? [];
    return { file, code: body, output };
  });
}

/**
 * Puts the programs of a document into a project. Returns a function that starts one.
 * @param port of the server, in the place of 4000
 */
export async function writeSnippets(
  project: Project,
  snippets: readonly Snippet[],
  port: number,
  env: Readonly<Record<string, string>>,
): Promise<(snippet: Snippet) => Started> {
  const folder = join(project.folder, 'snippets');
  await mkdir(folder, { recursive: true });
  for (const { file, code } of snippets)
    await writeFile(join(folder, file), code.replaceAll('localhost:4000', `localhost:${port}`));
  return ({ file }) => project.start(process.execPath, ['--import', TSX, join('snippets', file)], env);
}

/**
 * Runs the programs of a document in order, as a reader does: a worker until the next worker or the end, and everything
 * else to its end. A program that neither prints something nor creates a worker is there to be imported.
 * @param start starts one of them
 */
export async function runSnippets(
  snippets: readonly Snippet[],
  start: (snippet: Snippet) => Started,
): Promise<readonly Result[]> {
  const names = new Names();
  const results: Result[] = [];
  let worker: { readonly snippet: Snippet; readonly started: Started } | null = null;

  async function stopWorker(): Promise<void> {
    if (worker === null) return;
    worker.started.send('SIGTERM');
    const { code, stdout, stderr } = await worker.started.ending;
    results.push({ snippet: worker.snippet, output: stdout, code, stderr: code === 0 ? '' : stderr });
    worker = null;
  }

  for (const snippet of snippets) {
    if (WORKER.test(snippet.code)) {
      await stopWorker();
      worker = { snippet, started: start(snippet) };
    } else if (snippet.output !== null) {
      const { code, stdout, stderr } = await start(snippet).ending;
      results.push({ snippet, output: names.inOutput(snippet.output, stdout.trim()), code, stderr });
    }
  }
  await stopWorker();
  return results;
}
