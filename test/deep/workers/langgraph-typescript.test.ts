import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAssistant, createRun, readUntil, subscribeToRun } from '../../process/echo-worker.ts';
import { openProject, type Project } from '../../process/project.ts';
import { verifyAgUiEvents } from '../../support/ag-ui.ts';
import { startWorker, type WorkerLibrary } from './library.ts';
import { cancelRun, createRunOf, endedRun, getRun, type RunState, startServer, stop } from './runs.ts';

const WORKER = fileURLToPath(new URL('langgraph-worker.mjs', import.meta.url));
const LIBRARY: WorkerLibrary = {
  name: 'for LangGraph in TypeScript',
  start: (project, env) => project.start(process.execPath, [WORKER], env),
};

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** What says most of an event, in the order in which it is looked for. */
const NAMES = ['stepName', 'name', 'delta', 'content', 'toolCallName'];

/** The types of a run's events with what says most of each, without those of the server and snapshots. */
function outlineOf({ events }: RunState): readonly string[] {
  return events
    .filter(({ type }) => !/^RUN_|^STATE_SNAPSHOT$/.test(type))
    .map(({ type, data }) => {
      const name = NAMES.map((key) => data[key]).find((value) => typeof value === 'string');
      return name === undefined ? type : `${type} ${name}`;
    });
}

/** Whether an event is the state after the fifth step. */
function isFifthStep({ data }: { readonly data: object }): boolean {
  return JSON.stringify(data).includes('"n":5,');
}

/** Checks the events of the last attempt as AG-UI's client does. */
async function verifyEventsOf({ events, attempt }: RunState): Promise<void> {
  const last = events.filter((event) => event.attempt === attempt && !event.type.startsWith('RUN_'));
  await verifyAgUiEvents(last.map(({ type, data }) => ({ type, ...data })));
}

/** The state of a graph in a run's output. */
function stateOf({ output }: RunState): unknown {
  const { __langgraph: checkpoint, ...state } = output ?? {};
  expect(checkpoint).toMatchObject({ format: 1, runtime: 'javascript' });
  return state;
}

it('should stream a loop with tools, and go on in the next run of the thread', async () => {
  const { port, client } = await startServer(project);
  const worker = await startWorker(LIBRARY, project, port);
  const assistantId = await createAssistant(client, 'tools');
  const input = { messages: [{ role: 'user', content: 'Where is it?' }] };
  const { id, threadId } = await createRun(client, assistantId, { input });
  const first = await endedRun(client, id);
  expect(first.error).toBeNull();
  expect(outlineOf(first)).toEqual([
    'STEP_STARTED model',
    'TOOL_CALL_START track',
    'TOOL_CALL_ARGS {"parcel":17}',
    'TOOL_CALL_END',
    'STEP_FINISHED model',
    'STEP_STARTED tools',
    'CUSTOM progress',
    'TOOL_CALL_RESULT on its way',
    'STEP_FINISHED tools',
    'STEP_STARTED model',
    'TEXT_MESSAGE_START',
    ...Array.from('It came.', (character) => `TEXT_MESSAGE_CONTENT ${character}`),
    'TEXT_MESSAGE_END',
    'STEP_FINISHED model',
  ]);
  await verifyEventsOf(first);
  const types = ['human', 'ai', 'tool', 'ai'].map((type) => ({ type }));
  expect(stateOf(first)).toMatchObject({ messages: types });
  const next = await createRun(client, assistantId, { threadId, input });
  expect(stateOf(await endedRun(client, next.id))).toMatchObject({ messages: [...types, ...types] });
  await stop(worker);
});

it('should go on at another worker when theirs is killed, and repeat no step that was saved', async () => {
  const { port, client } = await startServer(project);
  const first = await startWorker(LIBRARY, project, port, { leaseSeconds: 5 });
  const input = { n: 0, to: 12, pauseMilliseconds: 200 };
  const { id } = await createRunOf(client, 'steps', input);
  await readUntil(await subscribeToRun(client, id), isFifthStep);
  first.send('SIGKILL');
  await first.ending;
  const second = await startWorker(LIBRARY, project, port);
  const run = await endedRun(client, id);
  expect(run).toMatchObject({ status: 'SUCCESS', attempt: 2 });
  expect(stateOf(run)).toEqual({ ...input, n: 12 });
  await verifyEventsOf(run);
  const numbers = Array.from((await stop(second)).matchAll(/^node (\d+)$/gm), ([, number]) => Number(number));
  // The kill may have come a step later.
  const [begin = 0] = numbers;
  expect(begin).toBeGreaterThan(5);
  expect(numbers).toEqual(Array.from({ length: 13 - begin }, (_, index) => begin + index));
});

it.each(['approval', 'nested'])('should ask a person, and go on at another worker: %s', async (graph) => {
  const { port, client } = await startServer(project);
  const first = await startWorker(LIBRARY, project, port);
  const assistantId = await createAssistant(client, graph);
  const asking = await createRun(client, assistantId, { input: { drafts: 0 } });
  const interrupted = await endedRun(client, asking.id);
  expect(interrupted).toMatchObject({
    status: 'INTERRUPTED',
    interrupt: { value: 'Approve?' },
    thread: { status: 'INTERRUPTED' },
  });
  expect(await stop(first)).toContain('node draft');
  const second = await startWorker(LIBRARY, project, port);
  const answer = { threadId: asking.threadId, resumes: asking.id, input: { resume: 'Yes.' } };
  const { id } = await createRun(client, assistantId, answer);
  const run = await endedRun(client, id);
  expect(stateOf(run)).toEqual({ drafts: 1, answer: 'Yes.' });
  const path = graph === 'nested' ? 'review/' : '';
  expect(outlineOf(interrupted)).toContain(`STEP_FINISHED ${path}draft`);
  expect(outlineOf(run)).toContain(`STEP_FINISHED ${path}approve`);
  await verifyEventsOf(interrupted);
  await verifyEventsOf(run);
  expect(await stop(second)).not.toContain('node draft');
});

it('should stop a node by its signal when the run is cancelled, and leave the last checkpoint', async () => {
  const { port, client } = await startServer(project);
  const worker = await startWorker(LIBRARY, project, port);
  const { id } = await createRunOf(client, 'wait', { drafts: 0 });
  await worker.prints(/node wait/);
  await cancelRun(client, id);
  await worker.prints(/node stopped/);
  const run = await endedRun(client, id);
  expect(run).toMatchObject({ status: 'CANCELLED', thread: { status: 'IDLE', values: { drafts: 1 } } });
  await verifyEventsOf(run);
  expect(stateOf(await getRun(client, id))).toEqual({ drafts: 1 });
  await stop(worker);
});
