import { afterAll, beforeAll, expect, it } from 'vitest';
import { SERVER } from '../../process/client.ts';
import { startWorker } from '../../process/echo-worker.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { Names, type Step, stepsOf } from '../../support/document.ts';
import { openShell } from '../../support/shell.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** Runs the commands of a document as a reader does, with a server of its own. */
async function follow(
  steps: readonly Step[],
  withServer: (port: number) => Promise<unknown> = async () => {},
) {
  const { port } = await greeting(project.server(SERVER));
  await withServer(port);
  const shell = openShell(project.folder, SERVER);
  const names = new Names();
  for (const { commands, output } of steps) {
    const printed = await shell.run(
      names.inCommands(commands).replaceAll('localhost:4000', `localhost:${port}`),
    );
    if (output !== null) expect(names.inOutput(output, printed), commands).toBe(output);
  }
  shell.close();
}

it('should answer as docs/runs.md says', () => follow(stepsOf('docs/runs.md')));

it('should execute a run as README.md says', () => {
  const [functions] = stepsOf('README.md', '## A first session');
  const [worker, ...others] = stepsOf('README.md', '## Execute a run');
  expect(worker?.commands).toContain('node examples/worker.mjs');
  return follow([...(functions ? [functions] : []), ...others], (port) => startWorker(project, port));
});
