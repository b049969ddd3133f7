import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER, tokenOf } from '../../process/client.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { runSnippets, type Snippet, snippetsOf } from '../../support/snippets.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** The programs that another test looks at: they need a compiler. */
const OTHERS = new Set(['codegen.ts', 'tada.ts']);

/** Asks by the environment of the page, as relay-runtime does for a compiled query. */
const RELAY_QUERY = `
import { environment } from './relay.ts';

const text = '{ assistants { totalCount } }';
const params = { kind: 'RequestParameters', operationKind: 'query', name: 'Assistants', text, id: null, metadata: {} };
const network = environment.getNetwork();
console.log(JSON.stringify(await network.execute(params, {}, { force: true }).toPromise()));

const watch = { ...params, operationKind: 'subscription', text: 'subscription { threadChanged { kind } }' };
const create = { ...params, operationKind: 'mutation', text: 'mutation { createThread { thread { id } } }' };
const creating = setInterval(() => network.execute(create, {}, {}).subscribe({}), 200);
network.execute(watch, {}, {}).subscribe({
  next(result) {
    console.log(JSON.stringify(result));
    clearInterval(creating);
    process.exit();
  },
});
`;

describe('docs/clients.md', () => {
  it('should say what its programs print', async () => {
    const { port } = await greeting(project.server(SERVER));
    const page = snippetsOf('docs/clients.md').filter(({ file }) => !OTHERS.has(file));
    const relay: Snippet = {
      file: 'relay-query.ts',
      code: RELAY_QUERY,
      output: '{"data":{"assistants":{"totalCount":1}}}\n{"data":{"threadChanged":{"kind":"CREATED"}}}',
    };
    const snippets = [...page, relay];
    const results = await runSnippets(project, snippets, port, { TOKEN: await tokenOf('alice') });
    expect(results.map(({ snippet }) => snippet.file)).toEqual([
      'apollo.ts',
      'urql.ts',
      'sse.ts',
      'ws.ts',
      'relay-query.ts',
    ]);
    for (const { snippet, output, code, stderr } of results) {
      const { file } = snippet;
      expect({ file, output, code, stderr }).toEqual({ file, output: snippet.output, code: 0, stderr: '' });
    }
  });
});
