import { describe, expect, it } from 'vitest';
import { createErrorLog } from '../../../src/observability/request-log.ts';
import { createTerminalLog, type TerminalLogOptions } from '../../../src/observability/terminal-log.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { blockUnder } from '../../support/blocks.ts';
import { openApi, send, type TestParts } from '../../support/api.ts';

/** An API whose log is for people, and what was written there, durations replaced. */
function open(parts: TestParts = {}, options: Partial<TerminalLogOptions> = {}) {
  let written = '';
  const stream = {
    write(text: string) {
      written += text;
      return true;
    },
  };
  const { log, requestLog } = createTerminalLog({
    level: 'info',
    stream,
    hasColors: false,
    showsOwners: true,
    ...options,
  });
  const { api } = openApi({ observers: [requestLog], log: createErrorLog(log), ...parts });
  return { api, log, requestLog, written: () => withoutDurations(written) };
}

function withoutDurations(text: string): string {
  return text.replaceAll(/\d+(?:\.\d+)? (?:ms|s)\b/g, '1 ms');
}

function failing(): never {
  throw new Error('The disk is\u001B[2J gone.');
}

describe('the log on a terminal', () => {
  it('should have a line for each request: operation, status, duration and owner', async () => {
    const { api, written } = open();
    await send(api, 'alice', 'query Threads { threads { totalCount } }');
    await send(api, 'bob', '{ threads { totalCount } }');
    expect(written()).toBe('POST Threads 200 1 ms alice\nPOST query 200 1 ms bob\n');
  });

  it('should have the messages of errors below their request', async () => {
    const { api, written } = open();
    await send(api, 'alice', '{ nope threads { never } }');
    await send(api, null, '{ threads { totalCount } }');
    expect(written()).toBe(
      'POST query 200 1 ms alice\n' +
        '  GRAPHQL_VALIDATION_FAILED Cannot query field "nope" on type "Query". Did you mean "node" or "nodes"?\n' +
        '  GRAPHQL_VALIDATION_FAILED Cannot query field "never" on type "ThreadConnection". Did you mean "nodes"?\n' +
        'POST query 401 1 ms\n' +
        '  UNAUTHENTICATED This needs a token: send it as `Authorization: Bearer <JWT>`.\n',
    );
  });

  it('should be as docs/operating.md shows it', async () => {
    const { api, requestLog, written } = open();
    await send(api, 'alice', 'query Threads { threads { totalCount } }');
    await send(
      api,
      'alice',
      'mutation CreateRun { createAssistant(input: { graphId: "a" }) { assistant { nam } } }',
    );
    const completed = {
      requestId: 'r',
      method: 'WEBSOCKET',
      path: '/graphql',
      operationName: 'RunEvents',
      operationType: null,
      owner: asOwner('alice'),
      isWorker: false,
      status: null,
      duration: 12_000,
      cost: null,
      outcome: 'aborted',
      errorCode: null,
      traceId: null,
    } as const;
    requestLog(completed, {
      ...completed,
      startedAt: 0,
      operation: null,
      error: null,
      trace: null,
      isReported: true,
    });
    expect(written()).toBe(withoutDurations(blockUnder('docs/operating.md', 'On a terminal', '').body));
  });

  it('should have the stack of an unexpected error', async () => {
    const { api, written } = open({ authenticate: failing });
    await send(api, 'alice', '{ threads { totalCount } }');
    expect(written()).toMatch(
      /^error unexpected error requestId=\S+\n {2}Error: The disk is\uFFFD\[2J gone\.\n( {2} {4}at .*\n)+POST \/graphql 500 1 ms\n {2}INTERNAL_SERVER_ERROR Unexpected error\.\n$/,
    );
  });

  it('should write nothing that a terminal takes for a command', async () => {
    const { api, written } = open();
    await send(api, 'a\u202Eb', '{ threads { totalCount } }');
    expect(written()).toBe('POST query 200 1 ms a\uFFFDb\n');
  });

  it('should have hashes in the place of owners where these are not to be shown', async () => {
    const { api, written } = open({}, { showsOwners: false });
    await send(api, 'alice', '{ threads { totalCount } }');
    expect(written()).toMatch(/^POST query 200 1 ms [0-9a-f]{16}\n$/);
  });

  it('should have colours where the terminal has them', async () => {
    const { api, log, written } = open({}, { hasColors: true });
    await send(api, 'alice', 'query Threads { threads { totalCount } }');
    expect(written()).toContain('\u001B[1mThreads\u001B[22m \u001B[32m200\u001B[39m');
    log.warn({ warning: 'slow' }, 'tracing');
    expect(written()).toContain('\n\u001B[33mwarning\u001B[39m tracing \u001B[2mwarning=slow\u001B[22m\n');
  });

  it('should leave out what is below its level, and probes unless it is debug', async () => {
    const quiet = open({}, { level: 'warn' });
    await send(quiet.api, 'alice', '{ threads { totalCount } }');
    const usual = open();
    await usual.api.fetch('http://localhost/health');
    const debug = open({}, { level: 'debug' });
    await debug.api.fetch('http://localhost/health');
    expect([quiet.written(), usual.written(), debug.written()]).toEqual(['', '', 'GET /health 200 1 ms\n']);
  });
});
