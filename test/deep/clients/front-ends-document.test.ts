import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientOf, SERVER, tokenOf } from '../../process/client.ts';
import { createAssistant, startWorker } from '../../process/echo-worker.ts';
import { blocksUnder } from '../../support/blocks.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** The program of a section of docs/front-ends.md, and what it prints. */
function programOf(heading: string): { readonly program: string; readonly output: string } {
  const blocks = blocksUnder('docs/front-ends.md', heading);
  const joined = (language: string): string =>
    blocks.flatMap((block) => (block.language === language ? [block.body] : [])).join('');
  return { program: joined('js'), output: joined('') };
}

it.each(['AG-UI', 'AI SDK'])('should print what docs/front-ends.md says: %s', async (heading) => {
  const { port } = await greeting(project.server(SERVER));
  await startWorker(project, port);
  const { program, output } = programOf(heading);
  expect(program.split('\n').length).toBeGreaterThan(15);
  await writeFile(
    join(project.folder, 'program.mjs'),
    program.replaceAll('localhost:4000', `127.0.0.1:${port}`),
  );
  const started = project.start(process.execPath, ['program.mjs'], {
    TOKEN: await tokenOf('alice'),
    ASSISTANT: await createAssistant(await clientOf(port, 'alice')),
  });
  const { code, stdout, stderr } = await started.ending;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => line.trim())).toEqual(output.trim().split('\n'));
});
