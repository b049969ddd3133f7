import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientOf, SERVER } from './client.ts';
import { createAssistant, createRun, readUntil, startWorker, subscribeToRun } from './echo-worker.ts';
import { greeting, openProject, type Project } from './project.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

it('should execute a run by the example of a worker, whose events are read meanwhile', async () => {
  const { port } = await greeting(project.server(SERVER));
  const client = await clientOf(port, 'alice');
  const assistantId = await createAssistant(client);
  const { id, threadId } = await createRun(client, assistantId, { input: { text: 'one two three' } });
  const events = await subscribeToRun(client, id);
  const worker = await startWorker(project, port);
  expect(await readUntil(events)).toEqual([
    { seq: 1, attempt: 1, type: 'RUN_STARTED', data: { threadId, runId: id, attempt: 1 } },
    { seq: 2, attempt: 1, type: 'TEXT_MESSAGE_START', data: { messageId: id, role: 'assistant' } },
    { seq: 3, attempt: 1, type: 'TEXT_MESSAGE_CONTENT', data: { messageId: id, delta: 'one ' } },
    { seq: 4, attempt: 1, type: 'TEXT_MESSAGE_CONTENT', data: { messageId: id, delta: 'two ' } },
    { seq: 5, attempt: 1, type: 'TEXT_MESSAGE_CONTENT', data: { messageId: id, delta: 'three ' } },
    { seq: 6, attempt: 1, type: 'TEXT_MESSAGE_END', data: { messageId: id } },
    { seq: 7, attempt: 1, type: 'RUN_FINISHED', data: { threadId, runId: id, status: 'SUCCESS' } },
  ]);
  await worker.prints(new RegExp(`run ${id}, attempt 1: SUCCESS`));
  const { body } = await client.send(`{ run(id: "${id}") { status output thread { status values } } }`);
  expect(body.data).toEqual({
    run: {
      status: 'SUCCESS',
      output: { text: 'one two three' },
      thread: { status: 'IDLE', values: { text: 'one two three' } },
    },
  });
});
