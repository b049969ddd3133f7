import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAssistant, createRun, readUntil, subscribeToRun } from '../../process/echo-worker.ts';
import { openProject, type Project } from '../../process/project.ts';
import { isFifthStep, outlineOf, stateOf } from './langgraph-runs.ts';
import { startWorker, type WorkerLibrary } from './library.ts';
import { findPythonWithLangGraph } from './langgraph-python.ts';
import { createRunOf, endedRun, startServer, stop } from './runs.ts';

const WORKER = fileURLToPath(new URL('langgraph_worker.py', import.meta.url));
const found = await findPythonWithLangGraph();
const missing = 'missing' in found ? ` (${found.missing})` : '';

const LIBRARY: WorkerLibrary = {
  name: 'for LangGraph',
  missing: missing === '' ? null : missing,
  start: (project, env) => project.start('python' in found ? found.python : '', ['-B', WORKER], env),
};

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

describe.skipIf(missing !== '')(`graphs of LangGraph${missing}`, () => {
  it('should tell of steps, messages, tools and states while they loop, and go on in the next run', async () => {
    const { port, client } = await startServer(project);
    const worker = await startWorker(LIBRARY, project, port);
    const assistantId = await createAssistant(client, 'tools');
    const input = { messages: [{ role: 'user', content: 'Where is it?' }] };
    const { id, threadId } = await createRun(client, assistantId, { input });
    const first = await endedRun(client, id);
    expect(first.status).toBe('SUCCESS');
    expect(outlineOf(first.events).filter((line) => line !== 'STATE_SNAPSHOT')).toEqual([
      'RUN_STARTED',
      'STEP_STARTED model',
      'TOOL_CALL_START track',
      'TOOL_CALL_ARGS {"parcel": 17}',
      'TOOL_CALL_END',
      'STEP_FINISHED model',
      'STEP_STARTED track',
      'CUSTOM progress',
      'TOOL_CALL_RESULT on its way',
      'STEP_FINISHED track',
      'STEP_STARTED model',
      'TEXT_MESSAGE_START',
      'TEXT_MESSAGE_CONTENT It is on its way.',
      'TEXT_MESSAGE_END',
      'STEP_FINISHED model',
      'RUN_FINISHED',
    ]);
    expect(stateOf(first, 'python')).toMatchObject({
      messages: [
        { type: 'human', content: 'Where is it?' },
        { type: 'ai', id: 'ai-1' },
        { type: 'tool' },
        { type: 'ai', content: 'It is on its way.' },
      ],
    });
    const next = await createRun(client, assistantId, { threadId, input });
    const second = await endedRun(client, next.id);
    expect(second.status).toBe('SUCCESS');
    expect(stateOf(second, 'python')).toMatchObject({ messages: { length: 8, 5: { id: 'ai-5' } } });
    await stop(worker);
  });

  it('should go on from the last step when their worker is killed', async () => {
    const { port, client } = await startServer(project);
    const first = await startWorker(LIBRARY, project, port, { leaseSeconds: 5 });
    const input = { n: 0, to: 20, pauseMilliseconds: 200 };
    const { id } = await createRunOf(client, 'steps', input);
    await readUntil(await subscribeToRun(client, id), isFifthStep);
    first.send('SIGKILL');
    await first.ending;
    const second = await startWorker(LIBRARY, project, port);
    const run = await endedRun(client, id);
    expect(run).toMatchObject({ status: 'SUCCESS', attempt: 2 });
    expect(stateOf(run, 'python')).toEqual({ ...input, n: 20 });
    const again = run.events.filter(({ attempt, type }) => attempt === 2 && type === 'STEP_FINISHED');
    expect(again.length).toBeLessThanOrEqual(16);
    await stop(second);
  });

  it.each(['approval', 'nested'])('should ask a person, and go on at another worker: %s', async (graph) => {
    const { port, client } = await startServer(project);
    const first = await startWorker(LIBRARY, project, port);
    const assistantId = await createAssistant(client, graph);
    const asking = await createRun(client, assistantId, { input: { drafts: 0 } });
    const interrupted = await endedRun(client, asking.id);
    expect(interrupted).toMatchObject({ status: 'INTERRUPTED', interrupt: { value: 'Approve?' } });
    await stop(first);
    const second = await startWorker(LIBRARY, project, port);
    const { threadId } = asking;
    const answer = { threadId, resumes: asking.id, input: { resume: 'Yes.' } };
    const { id } = await createRun(client, assistantId, answer);
    const run = await endedRun(client, id);
    expect(run.status).toBe('SUCCESS');
    // It was drafted once.
    expect(stateOf(run, 'python')).toEqual({ drafts: 1, answer: 'Yes.' });
    const path = graph === 'nested' ? 'review/' : '';
    expect(outlineOf(interrupted.events)).toContain(`STEP_FINISHED ${path}draft`);
    expect(outlineOf(run.events)).toContain(`STEP_FINISHED ${path}approve`);
    expect(outlineOf(run.events)).not.toContain('CUSTOM langgraph');
    await stop(second);
  });
});
