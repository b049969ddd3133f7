import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/graphql/trusted-documents.ts';
import { ask, greeting, openProject, type Project } from '../../process/project.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

const COUNT = '{ threads { totalCount } }';
const NONE = { data: { threads: { totalCount: 0 } } };
const LISTED = JSON.stringify({ [`sha256:${sha256(COUNT)}`]: COUNT });

function put(name: string, content: string): string {
  writeFileSync(join(project.folder, name), content);
  return name;
}

async function hasPage(port: number): Promise<boolean> {
  const headers = { accept: 'text/html', connection: 'close' };
  const page = await fetch(`http://127.0.0.1:${port}/graphql`, { headers });
  return page.headers.get('content-type')?.includes('html') ?? false;
}

describe('a start with trusted documents', () => {
  it.each(['off', 'on'])('should run them, with TRUSTED_DOCUMENTS_ONLY=%s', async (only) => {
    const file = put('documents.json', LISTED);
    const server = project.server({ TRUSTED_DOCUMENTS: file, TRUSTED_DOCUMENTS_ONLY: only });
    const { port, token } = await greeting(server);
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, connection: 'close' },
      body: JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: sha256(COUNT) } } }),
    });
    expect({ status: response.status, body: await response.json() }).toEqual({ status: 200, body: NONE });

    const other = await ask(port, token, '{ __schema { queryType { name } } }');
    expect(other.status).toBe(only === 'on' ? 400 : 200);
    expect(await hasPage(port)).toBe(only === 'off');
    server.send('SIGTERM');
    expect(await server.ending).toMatchObject({ code: 0, stderr: '' });
  });

  it.concurrent.each<[string, string | null]>([
    ['is not there', null],
    ['is no JSON', '{'],
    ['has no documents', '[]'],
    ['has a key that is no SHA-256', JSON.stringify({ abc: COUNT })],
    ['has the hash of another text', JSON.stringify({ [sha256('')]: COUNT })],
    ['has a document that does not parse', JSON.stringify({ [sha256('{')]: '{' })],
    ['has a document that does not fit the schema', JSON.stringify({ [sha256('{ nope }')]: '{ nope }' })],
  ])('should be refused in one line when the file %s', async (kind, content) => {
    const name = `${kind}.json`;
    if (content !== null) put(name, content);
    const { code, stdout, stderr } = await project.server({ TRUSTED_DOCUMENTS: name }).ending;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^TRUSTED_DOCUMENTS [^\n]+\n$/);
  });

  it('should be refused without a file where nothing else may run', async () => {
    const { code, stdout, stderr } = await project.server({ TRUSTED_DOCUMENTS_ONLY: 'on' }).ending;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^TRUSTED_DOCUMENTS_ONLY [^\n]+\n$/);
  });
});
