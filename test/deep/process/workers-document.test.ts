import { afterAll, beforeAll, expect, it } from 'vitest';
import { SERVER, tokenOf, workerTokenOf } from '../../process/client.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { runSnippets, type Snippet, snippetsOf, writeSnippets } from '../../support/snippets.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** Creates runs of the workers, and prints how they end. */
const LIBRARY = `
const url = 'http://localhost:4000/graphql';

async function gql(query, variables) {
  const headers = { authorization: \`Bearer \${process.env.TOKEN}\`, 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return (await response.json()).data;
}

export async function run(graphId, input) {
  const { createAssistant } = await gql(
    'mutation ($graphId: String!) { createAssistant(input: { graphId: $graphId }) { assistant { id } } }',
    { graphId },
  );
  const { createRun } = await gql(
    'mutation ($input: CreateRunInput!) { createRun(input: $input) { run { id } userErrors { message } } }',
    { input: { assistantId: createAssistant.assistant.id, ...input } },
  );
  const { waitForRun } = await gql(
    'query ($id: ID!) { waitForRun(id: $id) { id threadId status output interrupt events { type data } } }',
    { id: createRun.run.id },
  );
  return waitForRun;
}
`;

const SUPPORT = `
import { run } from './run.js';
const { status, output, events } = await run('support', {});
console.log(events.map(({ data }) => data.delta ?? '').join(''));
console.log(status, output.answer);
`;

const REFUND = `
import { run } from './run.js';
const { id, threadId, status, interrupt } = await run('refund', { input: { order: '17' } });
console.log(status, interrupt.question);
const answered = await run('refund', { threadId, resumes: id, input: { answer: 'yes' } });
console.log(answered.status, JSON.stringify(answered.output));
`;

it('should have workers that do what it says: docs/workers.md', async () => {
  const { port } = await greeting(project.server(SERVER));
  const [support, refund, ...others] = snippetsOf('docs/workers.md');
  if (support === undefined || refund === undefined)
    throw new Error('docs/workers.md has lost its programs.');
  expect(others).toEqual([]);
  const snippets: readonly Snippet[] = [
    { file: 'run.js', code: LIBRARY, output: null },
    support,
    {
      file: 'support.js',
      code: SUPPORT,
      output: 'Your parcel is on its way.\nSUCCESS Your parcel is on its way.',
    },
    refund,
    {
      file: 'refund.js',
      code: REFUND,
      output: 'INTERRUPTED Refund order 17?\nSUCCESS {"order":"17","refunded":true}',
    },
  ];
  const start = await writeSnippets(project, snippets, port, {
    AGENT_GRAPHQL_URL: `http://localhost:${port}/graphql`,
    AGENT_GRAPHQL_TOKEN: await workerTokenOf('worker-1'),
    TOKEN: await tokenOf('alice'),
  });
  const results = await runSnippets(snippets, start);
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  for (const { snippet, output } of results) {
    if (snippet.output !== null) expect(output).toBe(snippet.output);
  }
});
