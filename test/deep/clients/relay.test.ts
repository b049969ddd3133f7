import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'graphql-sse';
import {
  type ConcreteRequest,
  createOperationDescriptor,
  Environment,
  fetchQuery,
  getRequest,
  Network,
  Observable,
  RecordSource,
  requestSubscription,
  Store,
} from 'relay-runtime';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createAssistant, createRun, createThread, moveRun } from '../../support/requests.ts';
import { send, tokenFor } from '../../support/api.ts';
import { listen, until } from '../../http/listen.ts';

/** What a Relay app has in its source: a query and a subscription for each resource. */
const SOURCE = (noun: string, type: string, fields: string) => `
import { graphql } from 'relay-runtime';
graphql\`query ${noun}Query($id: ID!) { ${noun}(id: $id) { ${fields} } }\`;
graphql\`subscription ${noun}Subscription {
  ${noun}Changed { kind ${noun} { ${fields} } deleted${type}Id @deleteRecord }
}\`;
`;

const UPDATE_THREAD =
  'mutation($id: ID!) { updateThread(input: {id: $id, metadata: {a: 2}}) { thread { id } } }';
const UPDATE_ASSISTANT =
  'mutation($id: ID!) { updateAssistant(input: {id: $id, name: "second"}) { assistant { id } } }';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-graphql-relay-'));
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'generated'));
  cpSync('schema.graphql', join(folder, 'schema.graphql'));
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, 'src/assistant.js'), SOURCE('assistant', 'Assistant', 'name version'));
  writeFileSync(join(folder, 'src/thread.js'), SOURCE('thread', 'Thread', 'status metadata'));
  writeFileSync(join(folder, 'src/run.js'), SOURCE('run', 'Run', 'status thread { status }'));
  const config = {
    src: 'src',
    schema: 'schema.graphql',
    language: 'javascript',
    artifactDirectory: 'generated',
  };
  writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(config));
  const compiler: unknown = createRequire(import.meta.url)('relay-compiler');
  execFileSync(String(compiler), ['relay.config.json'], { cwd: folder, stdio: 'pipe' });
});

afterAll(() => rmSync(folder, { recursive: true }));

/** An operation as relay-compiler has compiled it. */
function compiled(name: string): ConcreteRequest {
  const load: (path: string) => unknown = createRequire(join(folder, 'generated/'));
  return getRequest(Object(load(`./${name}.graphql.js`)));
}

/** A Relay environment of alice, whose subscriptions are Server-Sent Events. */
async function openRelay() {
  const server = await listen();
  onTestFinished(() => server.close());
  const { api } = server;
  const url = `http://127.0.0.1:${server.port}/graphql`;
  const client = createClient({ url, headers: { authorization: `Bearer ${await tokenFor('alice')}` } });
  onTestFinished(() => client.dispose());
  const events = createEvents();
  const environment = new Environment({
    store: new Store(new RecordSource()),
    network: Network.create(
      async ({ text }, variables) => Object((await send(api, 'alice', text ?? '', variables)).body),
      ({ text }, variables) =>
        Observable.create((sink) =>
          client.subscribe(
            { query: text ?? '', variables },
            {
              next: (result) => sink.next(Object(result)),
              error: (error) => sink.error(error instanceof Error ? error : new Error(String(error))),
              complete: () => sink.complete(),
            },
          ),
        ),
    ),
  });
  async function read(noun: string, id: string): Promise<unknown> {
    return fetchQuery(environment, compiled(`${noun}Query`), { id }).toPromise();
  }
  /** What the store has, without asking the server. */
  function stored(noun: string, id: string): unknown {
    return environment.lookup(createOperationDescriptor(compiled(`${noun}Query`), { id }).fragment).data;
  }
  async function watch(noun: string): Promise<void> {
    const listening = server.subscribers.count();
    requestSubscription(environment, {
      subscription: compiled(`${noun}Subscription`),
      variables: {},
      onNext: (event) => events.push(event),
    });
    await until(() => server.subscribers.count() > listening);
  }
  return { api, environment, read, stored, watch, events };
}

/** Events as they come, each of which can be waited for. */
function createEvents() {
  const waiting: ((event: unknown) => void)[] = [];
  const come: unknown[] = [];
  return {
    push(event: unknown): void {
      const next = waiting.shift();
      if (next === undefined) come.push(event);
      else next(event);
    },
    async next(): Promise<unknown> {
      return come.length > 0 ? come.shift() : new Promise((resolve) => void waiting.push(resolve));
    },
  };
}

describe("Relay's store", () => {
  it('should have a thread as an event shows it, and drop it when it is deleted', async () => {
    const { api, read, stored, watch, events } = await openRelay();
    const id = await createThread(api, 'alice', { a: 1 });
    expect(await read('thread', id)).toMatchObject({ thread: { status: 'IDLE' } });
    await watch('thread');
    await send(api, 'alice', UPDATE_THREAD, { id });
    expect(await events.next()).toMatchObject({ threadChanged: { kind: 'UPDATED' } });
    expect(stored('thread', id)).toMatchObject({ thread: { status: 'IDLE', metadata: { a: 2 } } });
    await send(api, 'alice', 'mutation($id: ID!) { deleteThread(id: $id) { success } }', { id });
    expect(await events.next()).toMatchObject({ threadChanged: { kind: 'DELETED', deletedThreadId: id } });
    expect(stored('thread', id)).toEqual({ thread: null });
  });

  it('should have an assistant as an event shows it, and drop it when it is deleted', async () => {
    const { api, read, stored, watch, events } = await openRelay();
    const id = await createAssistant(api, 'alice', { name: 'first' });
    await read('assistant', id);
    await watch('assistant');
    await send(api, 'alice', UPDATE_ASSISTANT, { id });
    await events.next();
    expect(stored('assistant', id)).toEqual({ assistant: { name: 'second', version: 2 } });
    await send(api, 'alice', 'mutation($id: ID!) { deleteAssistant(id: $id) { success } }', { id });
    await events.next();
    expect(stored('assistant', id)).toEqual({ assistant: null });
  });

  it('should have a run and its thread as an event shows them, and drop the run when it is deleted', async () => {
    const { api, read, stored, watch, events } = await openRelay();
    const id = await createRun(
      api,
      'alice',
      await createThread(api, 'alice'),
      await createAssistant(api, 'alice'),
    );
    expect(await read('run', id)).toMatchObject({ run: { status: 'PENDING', thread: { status: 'BUSY' } } });
    await watch('run');
    await moveRun(api, 'alice', id, 'SUCCESS');
    await events.next();
    expect(stored('run', id)).toEqual({ run: { status: 'SUCCESS', thread: { status: 'IDLE' } } });
    await send(api, 'alice', 'mutation($id: ID!) { deleteRun(id: $id) { success } }', { id });
    await events.next();
    expect(stored('run', id)).toEqual({ run: null });
  });
});
