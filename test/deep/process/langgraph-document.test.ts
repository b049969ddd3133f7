import { afterAll, beforeAll, expect, it } from 'vitest';
import { SERVER, tokenOf, workerTokenOf } from '../../process/client.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { runSnippets, snippetsOf } from '../../support/snippets.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

it('should say what its programs print: docs/langgraph.md', async () => {
  const { port } = await greeting(project.server(SERVER));
  const snippets = snippetsOf('docs/langgraph.md');
  expect(snippets.length).toBeGreaterThan(4);
  const env = { TOKEN: await tokenOf('alice'), WORKER_TOKEN: await workerTokenOf('worker-1') };
  const results = await runSnippets(project, snippets, port, env);
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
