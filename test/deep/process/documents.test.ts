import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER } from '../../process/client.ts';
import { startWorker } from '../../process/echo-worker.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { blocksUnder } from '../../support/blocks.ts';
import { Names, type Step, stepsOf } from '../../support/document.ts';
import { eventually } from '../../support/eventually.ts';
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
  const watched = join(project.folder, 'watched');
  for (const { commands, output } of steps) {
    const actual = names.inCommands(commands).replaceAll('localhost:4000', `localhost:${port}`);
    if (isEndless(commands)) {
      await writeFile(watched, '');
      await shell.run(`{ ${actual}\n} > ${watched} &`);
      await eventually('it is subscribed', async () => (await readFile(watched, 'utf8')) !== '');
      done.push({ commands, output: null });
    } else {
      const printed = await shell.run(actual);
      done.push({ commands, output: output === null ? null : names.inOutput(output, printed) });
    }
  }
  shell.close();
  return Promise.all(
    done.map(async ({ commands, output }) => {
      if (!isEndless(commands)) return { commands, output };
      await eventually('an event has come', async () => eventsIn(await readFile(watched, 'utf8')) !== '');
      return { commands, output: names.inOutput('', eventsIn(await readFile(watched, 'utf8'))) };
    }),
  );
}

/** Whether commands subscribe to what has no end. */
function isEndless(commands: string): boolean {
  return commands.includes('curl -N') && commands.includes('runChanged');
}

/** The events of a stream, without its pings. */
function eventsIn(stream: string): string {
  return stream.replaceAll(/^:\n\n/gm, '').trim();
}

describe('a document', () => {
  it('should say what the server answers: docs/runs.md', async () => {
    const steps = stepsOf('docs/runs.md');
    expect(steps.length).toBeGreaterThan(15);
    expect(await follow(steps)).toEqual(steps);
  });

  it('should say what the server answers: docs/quickstart.md, a first session', async () => {
    const steps = stepsOf('docs/quickstart.md', 'A first session');
    // What a third terminal shows, where runs are watched without an end.
    const shown = blocksUnder('docs/quickstart.md', 'A first session').find(
      ({ language }) => language === '',
    );
    expect(await follow(steps)).toEqual(
      steps.map(({ commands, output }) =>
        isEndless(commands) ? { commands, output: shown?.body.trim() } : { commands, output },
      ),
    );
  });

  it('should say what the server answers: docs/quickstart.md, about executing a run', async () => {
    const [functions] = stepsOf('docs/quickstart.md', 'A first session');
    const [worker, ...others] = stepsOf('docs/quickstart.md', 'Execute a run');
    expect(worker?.commands).toContain('node examples/worker.mjs');
    const steps = [...(functions ? [functions] : []), ...others];
    expect(await follow(steps, (port) => startWorker(project, port))).toEqual(steps);
  });

  it('should say what the server answers: docs/clients.md, curl', async () => {
    const steps = stepsOf('docs/clients.md', 'curl');
    expect(steps.length).toBe(2);
    expect(await follow(steps)).toEqual(steps);
  });
});
