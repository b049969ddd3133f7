import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, print } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workerTokenOf } from '../../process/client.ts';
import { openProject, type Project, type Started } from '../../process/project.ts';
import { verifyAgUiEvents } from '../../support/ag-ui.ts';
import { blocksUnder, blockUnder } from '../../support/blocks.ts';
import { findPythonWithLangGraph } from './langgraph-python.ts';
import { PYTHON, PYTHON_LIBRARY } from './python-library.ts';
import { createRunOf, endedRun, startServer } from './runs.ts';

const CLIENTS = fileURLToPath(new URL('../../../clients/python', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));
const withLangGraph = await findPythonWithLangGraph();

/** An example of a worker: a file, or a block of a page. */
interface Example {
  readonly name: string;
  readonly graphId: string;
  readonly output: Readonly<Record<string, unknown>>;
  /** What this machine lacks. Default: nothing. */
  readonly missing?: string | null;
  /** Whether it emits a message. Default: true. */
  readonly isSilent?: boolean;
  start(project: Project, url: string, token: string): Promise<Started>;
}

const ANSWER = { answer: 'Your parcel is on its way.' };
const EXAMPLE_PROGRAMS: readonly Example[] = [
  {
    name: 'examples/worker.mjs',
    graphId: 'echo',
    output: { text: 'one two three' },
    start: async (project, url, token) =>
      project.start(process.execPath, [join(EXAMPLES, 'worker.mjs')], environmentOf(url, token)),
  },
  {
    name: 'clients/python/examples/echo.py',
    graphId: 'echo',
    output: { text: 'one two three' },
    missing: PYTHON_LIBRARY.missing ?? null,
    start: async (project, url, token) =>
      project.start(PYTHON, ['-B', join(CLIENTS, 'examples/echo.py')], environmentOf(url, token)),
  },
  {
    name: 'README.md',
    graphId: 'support',
    output: { answer: 'About “My parcel”: it is on its way.' },
    start: (...args) => startBlock('README.md', 'A worker', 'js', process.execPath, ...args),
  },
  {
    name: 'docs/workers.md',
    graphId: 'support',
    output: ANSWER,
    start: (...args) =>
      startBlock('docs/workers.md', 'A worker in TypeScript', 'js', process.execPath, ...args),
  },
  {
    name: 'clients/python/README.md',
    graphId: 'support',
    output: { answer: 'It is on its way.' },
    missing: PYTHON_LIBRARY.missing ?? null,
    start: (...args) =>
      startBlock('clients/python/README.md', 'Workers in Python', 'python', PYTHON, ...args),
  },
  {
    name: 'clients/python/README.md, with LangGraph',
    graphId: 'support',
    output: { question: 'My parcel', answer: 'It is on its way.' },
    missing: 'missing' in withLangGraph ? ` (${withLangGraph.missing})` : null,
    isSilent: true,
    start: (...args) =>
      startBlock(
        'clients/python/README.md',
        'LangGraph',
        'python',
        'python' in withLangGraph ? withLangGraph.python : '',
        ...args,
      ),
  },
];

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

describe.each(EXAMPLE_PROGRAMS)('the worker of $name', (example) => {
  it.skipIf((example.missing ?? null) !== null)(
    `should execute a run, and emit what front ends of AG-UI accept${example.missing ?? ''}`,
    async () => {
      const { port, client } = await startServer(project);
      const worker = await example.start(
        project,
        `http://localhost:${port}/graphql`,
        await workerTokenOf('w'),
      );
      const input = { text: 'one two three', wordMilliseconds: 1, question: 'My parcel' };
      const { id } = await createRunOf(client, example.graphId, input);
      const run = await endedRun(client, id);
      expect(run).toMatchObject({ status: 'SUCCESS', attempt: 1, output: example.output });
      const events = run.events.slice(1, -1).map(({ type, data }) => ({ ...data, type }));
      await verifyAgUiEvents(events);
      const types = events.map(({ type }) => type).filter((type) => type.startsWith('TEXT_'));
      expect(new Set(types)).toEqual(
        new Set(example.isSilent ? [] : ['TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END']),
      );
      worker.send('SIGTERM');
      expect(await worker.ending).toMatchObject({ code: 0 });
    },
  );
});

describe('README.md', () => {
  it('should have documents that start a run, and read its events', async () => {
    const { port, client } = await startServer(project);
    const url = `http://localhost:${port}/graphql`;
    const worker = await startBlock(
      'README.md',
      'A worker',
      'js',
      process.execPath,
      project,
      url,
      await workerTokenOf('w'),
    );
    const { definitions } = parse(blockUnder('README.md', 'A run and its events', 'graphql').body);
    const [createAssistant = '', createRun = '', watch = '', list = '', ...others] = definitions.map(print);
    expect(others).toEqual([]);

    /** Sends a document with an id in the place of the page's. Returns the id in the answer. */
    async function send(document: string, id = ''): Promise<string> {
      const { body } = await client.send(document.replace(/"[0-9a-f]{32}"/, `"${id}"`));
      expect(body).not.toHaveProperty('errors');
      return /"id":"([0-9a-f]{32})"/.exec(JSON.stringify(body.data))?.[1] ?? '';
    }

    const runId = await send(createRun, await send(createAssistant));
    const events = await client.subscribe(watch.replace(/"[0-9a-f]{32}"/, `"${runId}"`));
    const received: unknown[] = [];
    for (let body = await events.next(); body !== null; body = await events.next()) received.push(body.data);
    expect(received.at(-1)).toMatchObject({ runEvents: { done: true, last: 9 } });
    expect(await send(list)).not.toBe('');
    worker.send('SIGTERM');
    expect(await worker.ending).toMatchObject({ code: 0 });
  });
});

function environmentOf(url: string, token: string): Readonly<Record<string, string>> {
  return { AGENT_GRAPHQL_URL: url, AGENT_GRAPHQL_TOKEN: token, PYTHONPATH: CLIENTS };
}

/** Starts the first program under a heading of a page. */
async function startBlock(
  page: string,
  heading: string,
  language: string,
  command: string,
  { folder, start }: Project,
  url: string,
  token: string,
): Promise<Started> {
  const block = blocksUnder(page, heading).find((one) => one.language === language);
  if (block === undefined) throw new Error(`${page} has no block of ${language} under ${heading}.`);
  const file = `example-${block.line}.${language === 'python' ? 'py' : 'mjs'}`;
  await writeFile(join(folder, file), block.body.replaceAll('http://localhost:4000/graphql', url));
  return start(command, [file], environmentOf(url, token));
}
