import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, clientOf, SERVER, tokenOf, workerTokenOf } from '../../process/client.ts';
import { createAssistant, createRun } from '../../process/echo-worker.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { runSnippets, snippetsOf, writeSnippets } from '../../support/snippets.ts';
import { createRunOf, endedRun } from '../workers/runs.ts';

let project: Project;
let port: number;
let alice: Client;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  project = await openProject();
  ({ port } = await greeting(project.server(SERVER)));
  alice = await clientOf(port, 'alice');
  env = { TOKEN: await tokenOf('alice'), AGENT_GRAPHQL_TOKEN: await workerTokenOf('worker-1') };
});

afterAll(() => project.remove());

it('should say what its programs print: docs/langgraph.md', async () => {
  const snippets = snippetsOf('docs/langgraph.md');
  expect(snippets.length).toBeGreaterThan(4);
  const results = await runSnippets(snippets, await writeSnippets(project, snippets, port, env));
  // The others are imported.
  expect(results.length).toBe(snippets.length - 1);
  for (const { snippet, output, code, stderr } of results) {
    const { file } = snippet;
    expect({ file, output, code, stderr }).toEqual({
      file,
      output: snippet.output ?? '',
      code: 0,
      stderr: '',
    });
  }
});

it('should have workers that do what it says: docs/workers.md', async () => {
  const snippets = snippetsOf('docs/workers.md');
  const [first, second, ...others] = snippets;
  if (first === undefined || second === undefined) throw new Error('It has two workers.');
  expect(others).toEqual([]);
  const start = await writeSnippets(project, snippets, port, env);

  const supporting = start(first);
  const { id } = await createRunOf(alice, 'support');
  const run = await endedRun(alice, id);
  expect(run).toMatchObject({ status: 'SUCCESS', output: { answer: 'Your parcel is on its way.' } });
  expect(run.events.map(({ data }) => data['delta']).filter(Boolean)).toEqual([
    'Your parcel ',
    'is on ',
    'its way.',
  ]);
  supporting.send('SIGTERM');
  expect(await supporting.ending).toMatchObject({ code: 0 });

  const refunding = start(second);
  const assistantId = await createAssistant(alice, 'refund');
  const wrong = await createRun(alice, assistantId, { input: {} });
  expect(await endedRun(alice, wrong.id)).toMatchObject({ status: 'ERROR', error: { code: 'NO_ORDER' } });
  const asking = await createRun(alice, assistantId, { input: { order: 17 } });
  expect(await endedRun(alice, asking.id)).toMatchObject({ interrupt: { question: 'Refund order 17?' } });
  const answer = { threadId: asking.threadId, resumes: asking.id, input: { answer: 'yes' } };
  const answering = await createRun(alice, assistantId, answer);
  expect(await endedRun(alice, answering.id)).toMatchObject({ output: { order: 17, refunded: true } });
  refunding.send('SIGTERM');
  expect(await refunding.ending).toMatchObject({ code: 0 });
});
