import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOf, SECRET, SERVER, tokenOf, workerTokenOf } from '../../process/client.ts';
import { createAssistant, createRun } from '../../process/echo-worker.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { runSnippets, type Snippet, snippetsOf, writeSnippets } from '../../support/snippets.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** Runs programs in order, with a server. */
async function run(snippets: readonly Snippet[], port: number, env: Readonly<Record<string, string>>) {
  return runSnippets(snippets, await writeSnippets(project, snippets, port, env));
}

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

/** Tokens that end soon. */
const SHORT_TOKENS = `
import { SignJWT } from 'jose';

const secret = new TextEncoder().encode(process.env.AUTH_SECRET);

export const freshToken = () =>
  new SignJWT().setProtectedHeader({ alg: 'HS256' }).setSubject('bob').setIssuedAt().setExpirationTime('3s').sign(secret);
`;

/** Follows changes until its third token has ended. */
const FOLLOWING = `
import { follow } from './follow.ts';

let connections = 0;

async function refetch() {
  connections += 1;
  if (connections < 4) return;
  console.log('connected 3 times');
  process.exit();
}

await follow('subscription { threadChanged { kind } }', refetch, () => {});
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
    const token: Snippet = { file: 'token.ts', code: SHORT_TOKENS, output: null };
    const following: Snippet = { file: 'following.ts', code: FOLLOWING, output: 'connected 3 times' };
    const snippets = [...page, relay, token, following];
    const results = await run(snippets, port, {
      TOKEN: await tokenOf('alice'),
      AUTH_SECRET: SECRET,
    });
    expect(results.map(({ snippet }) => snippet.file)).toEqual([
      'apollo.ts',
      'urql.ts',
      'sse.ts',
      'ws.ts',
      'relay-query.ts',
      'following.ts',
    ]);
    for (const { snippet, output, code, stderr } of results) {
      const { file } = snippet;
      expect({ file, output, code, stderr }).toEqual({ file, output: snippet.output, code: 0, stderr: '' });
    }
  });
});

describe('docs/auth.md', () => {
  it('should say what its program prints', async () => {
    const rules = { AUTH_ISSUER: 'https://api.example.com', AUTH_AUDIENCE: 'agents' };
    const { port } = await greeting(project.server({ ...SERVER, ...rules }));
    const snippets = snippetsOf('docs/auth.md');
    const results = await run(snippets, port, { AUTH_SECRET: SECRET });
    expect(results).toMatchObject([{ output: snippets[0]?.output, code: 0, stderr: '' }]);
  });
});

describe('README.md', () => {
  it('should have a worker that executes runs', async () => {
    const { port } = await greeting(project.server(SERVER));
    const caller: Snippet = { file: 'caller.js', code: CALLER, output: OUTPUT };
    const alice = await clientOf(port, 'alice');
    const { id } = await createRun(alice, await createAssistant(alice, 'support'), {
      input: { question: 'My order?' },
    });
    const env = {
      AGENT_GRAPHQL_TOKEN: await workerTokenOf('worker-1'),
      TOKEN: await tokenOf('alice'),
      RUN: id,
    };
    const results = await run([...snippetsOf('README.md'), caller], port, env);
    expect(results.map(({ snippet, code }) => [snippet.file, code])).toEqual([
      ['caller.js', 0],
      ['worker.js', 0],
    ]);
    expect(results[0]?.output).toBe(OUTPUT);
  });
});

/** Prints a run's events and its output. */
const CALLER = `
const query = 'query ($id: ID!) { waitForRun(id: $id) { output events { data } } }';
let run = { output: null };
// A call waits for 10 seconds.
while (run.output === null) {
  const response = await fetch('http://localhost:4000/graphql', {
    method: 'POST',
    headers: { authorization: \`Bearer \${process.env.TOKEN}\`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { id: process.env.RUN } }),
  });
  run = (await response.json()).data.waitForRun;
}
console.log(run.events.map(({ data }) => data.delta ?? '').join(''));
console.log(run.output.answer);
`;
const OUTPUT = 'It is on its way.\nAbout “My order?”: it is on its way.';
