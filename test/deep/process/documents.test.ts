import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

/** Runs the commands of a document as a reader does, with a server of its own: the steps with what they printed. */
async function follow(
  steps: readonly Step[],
  withServer: (port: number) => Promise<unknown> = async () => {},
): Promise<readonly Step[]> {
  const { port } = await greeting(project.server(SERVER));
  await withServer(port);
  const shell = openShell(project.folder, SERVER);
  const names = new Names();
  const done: Step[] = [];
  for (const { commands, output } of steps) {
    const actual = names.inCommands(commands).replaceAll('localhost:4000', `localhost:${port}`);
    const printed = await shell.run(actual);
    done.push({ commands, output: output === null ? null : names.inOutput(output, printed) });
  }
  shell.close();
  return done;
}

describe('a document', () => {
  it('should say what the server answers: docs/runs.md', async () => {
    const steps = stepsOf('docs/runs.md');
    expect(steps.length).toBeGreaterThan(15);
    expect(await follow(steps)).toEqual(steps);
  });

  it('should say what the server answers: docs/quickstart.md, a first session', async () => {
    const all = stepsOf('docs/quickstart.md', '## A first session');
    // Runs are watched in a third terminal, without an end.
    const steps = all.filter(({ commands }) => !commands.includes('subscription'));
    expect(steps.length).toBe(all.length - 1);
    expect(await follow(steps)).toEqual(steps);
  });

  it('should say what the server answers: docs/quickstart.md, about executing a run', async () => {
    const [functions] = stepsOf('docs/quickstart.md', '## A first session');
    const [worker, ...others] = stepsOf('docs/quickstart.md', '## Execute a run');
    expect(worker?.commands).toContain('node examples/worker.mjs');
    const steps = [...(functions ? [functions] : []), ...others];
    expect(await follow(steps, (port) => startWorker(project, port))).toEqual(steps);
  });

  it('should say what the server answers: docs/clients.md, curl', async () => {
    const steps = stepsOf('docs/clients.md', '## curl');
    expect(steps.length).toBe(2);
    expect(await follow(steps)).toEqual(steps);
  });
});
