import { type AgentSubscriber, type BaseEvent, EventType } from '@ag-ui/client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { AgentGraphQLAgent, type AgentGraphQLAgentConfig } from '../../../src/ag-ui/agent.ts';
import { type Client, clientOf, SERVER, tokenOf } from '../../process/client.ts';
import { createAssistant } from '../../process/echo-worker.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { eventually } from '../../support/eventually.ts';
import { claimRun, textMessage } from './scripted-worker.ts';
import { keptPort } from '../../support/kept-port.ts';

let project: Project;
let port: number;
let alice: Client;
let assistantId: string;

beforeAll(async () => {
  project = await openProject();
  ({ port } = await greeting(project.server(SERVER)));
  alice = await clientOf(port, 'alice');
  assistantId = await createAssistant(alice, 'chat');
});

afterAll(() => project.remove());

/** An agent of alice, with the events that it has received. */
function openAgent(config: Partial<AgentGraphQLAgentConfig> = {}) {
  const agent = new AgentGraphQLAgent({
    url: `http://127.0.0.1:${port}/graphql`,
    token: () => tokenOf('alice'),
    assistantId,
    ...config,
  });
  const events: BaseEvent[] = [];
  const subscriber: AgentSubscriber = { onEvent: ({ event }) => void events.push(event) };
  agent.subscribe(subscriber);
  return { agent, events };
}

/** Resolves once an agent has received an event of a type. */
function heard(agent: AgentGraphQLAgent, type: EventType): Promise<BaseEvent> {
  return new Promise((resolve) => {
    agent.subscribe({ onEvent: ({ event }) => void (event.type === type && resolve(event)) });
  });
}

function ask(agent: AgentGraphQLAgent, id: string, content: string): void {
  agent.addMessage({ id, role: 'user', content });
}

/** Messages as a test writes them. */
function shown(agent: AgentGraphQLAgent): readonly (readonly [string, unknown])[] {
  return agent.messages.map(({ role, ...message }): readonly [string, unknown] => [
    role,
    'content' in message ? message.content : null,
  ]);
}

async function statusOf(runId: string): Promise<unknown> {
  return (await alice.send('query ($id: ID!) { run(id: $id) { status } }', { id: runId })).body.data;
}

describe("AG-UI's client", () => {
  it('should run an assistant, and assemble its messages, its state and its tool calls', async () => {
    const { agent, events } = openAgent();
    ask(agent, 'u1', 'Where is my parcel?');
    const running = agent.runAgent({ runId: 'run-1', context: [{ description: 'locale', value: 'en' }] });
    const attempt = await claimRun(port);
    expect(attempt.input).toEqual({
      messages: [{ id: 'u1', role: 'user', content: 'Where is my parcel?' }],
      state: {},
      tools: [],
      context: [{ description: 'locale', value: 'en' }],
      forwardedProps: {},
    });
    await attempt.say(
      { type: 'TOOL_CALL_START', toolCallId: 't1', toolCallName: 'track', parentMessageId: 'a0' },
      { type: 'TOOL_CALL_ARGS', toolCallId: 't1', delta: '{"parcel":7}' },
      { type: 'TOOL_CALL_END', toolCallId: 't1' },
      { type: 'TOOL_CALL_RESULT', toolCallId: 't1', messageId: 'r1', content: 'Berlin' },
      { type: 'STATE_SNAPSHOT', snapshot: { parcel: 7 } },
      { type: 'STATE_DELTA', delta: [{ op: 'add', path: '/at', value: 'Berlin' }] },
      { type: 'score', value: 0.5 },
      ...textMessage('a1', 'In ', 'Berlin.'),
    );
    await attempt.finish({ status: 'SUCCESS', output: { at: 'Berlin' } });
    const { result, newMessages } = await running;
    expect(result).toEqual({ at: 'Berlin' });
    expect(newMessages.map(({ id }) => id)).toEqual(['a0', 'r1', 'a1']);
    expect(shown(agent).at(-1)).toEqual(['assistant', 'In Berlin.']);
    expect(agent.state).toEqual({ parcel: 7, at: 'Berlin' });
    expect(events[0]).toMatchObject({ type: 'RUN_STARTED', threadId: agent.threadId, runId: 'run-1' });
    expect(events.find(({ type }) => type === EventType.CUSTOM)).toMatchObject({
      name: 'score',
      value: { value: 0.5 },
    });
    expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', runId: 'run-1' });
  });

  it('should make one thread of a thread id, and one run of a run id', async () => {
    const threadId = 'conversation 1';
    const first = openAgent({ threadId });
    const running = first.agent.runAgent({ runId: 'run-1' });
    const attempt = await claimRun(port);
    const again = openAgent({ threadId }).agent.runAgent({ runId: 'run-1' });
    await attempt.finish({ status: 'SUCCESS', output: { n: 1 } });
    expect([(await running).result, (await again).result]).toEqual([{ n: 1 }, { n: 1 }]);
    const next = openAgent({ threadId }).agent.runAgent();
    const second = await claimRun(port);
    expect(second.threadId).toBe(attempt.threadId);
    await second.finish({ status: 'SUCCESS' });
    await next;
    const other = openAgent({ threadId: attempt.threadId }).agent.runAgent();
    const third = await claimRun(port);
    expect(third.threadId).toBe(attempt.threadId);
    await third.finish({ status: 'SUCCESS' });
    await other;
  });

  it('should go back to where the run began when an attempt is lost in the middle of a message', async () => {
    const { agent, events } = openAgent({ initialState: { step: 0 } });
    ask(agent, 'u1', 'Hello');
    const running = agent.runAgent();
    const lost = await claimRun(port);
    await lost.say(
      { type: 'STEP_STARTED', stepName: 'think' },
      { type: 'REASONING_START', messageId: 'th1' },
      { type: 'REASONING_MESSAGE_START', messageId: 'th1', role: 'reasoning' },
      { type: 'REASONING_MESSAGE_CONTENT', messageId: 'th1', delta: 'Hm' },
      { type: 'STATE_SNAPSHOT', snapshot: { step: 1 } },
      ...textMessage('a1', 'Half a sen').slice(0, 2),
    );
    await lost.release();
    const attempt = await claimRun(port);
    await attempt.say(
      { type: 'STEP_STARTED', stepName: 'think' },
      ...textMessage('a1', 'Hello, ', 'Alice.'),
      { type: 'STEP_FINISHED', stepName: 'think' },
    );
    await attempt.finish({ status: 'SUCCESS' });
    await running;
    expect(shown(agent).filter(([role]) => role !== 'reasoning')).toEqual([
      ['user', 'Hello'],
      ['assistant', 'Hello, Alice.'],
    ]);
    expect(shown(agent)).toContainEqual(['reasoning', '']);
    expect(agent.state).toEqual({ step: 0 });
    expect(events.filter(({ type }) => type === EventType.RUN_STARTED)).toHaveLength(1);
    expect(events).toContainEqual({ type: 'CUSTOM', name: 'RUN_ATTEMPT', value: { attempt: 1 } });
  });

  it('should be asked by an interrupted run, and answer it', async () => {
    const { agent } = openAgent();
    ask(agent, 'u1', 'Book it');
    const asking = agent.runAgent();
    const attempt = await claimRun(port);
    await attempt.finish({ status: 'INTERRUPTED', interrupt: { question: 'For 100 €?' } });
    await asking;
    expect(agent.pendingInterrupts).toMatchObject([{ id: attempt.runId, message: 'For 100 €?' }]);
    // Another page knows of it as well.
    const { agent: reloaded } = openAgent({ threadId: agent.threadId });
    await reloaded.connectAgent();
    expect(reloaded.pendingInterrupts).toEqual(agent.pendingInterrupts);
    expect(shown(reloaded)).toEqual([['user', 'Book it']]);

    const resume = [{ interruptId: attempt.runId, status: 'resolved' as const, payload: { yes: true } }];
    const answering = reloaded.runAgent({ resume });
    const second = await claimRun(port);
    expect(second).toMatchObject({ resumes: attempt.runId, input: { resume } });
    await second.say(...textMessage('a1', 'Booked.'));
    await second.finish({ status: 'SUCCESS' });
    await answering;
    expect(reloaded.pendingInterrupts).toEqual([]);
    expect(shown(reloaded).at(-1)).toEqual(['assistant', 'Booked.']);
  });

  it('should be asked by interrupts of a worker that speaks AG-UI', async () => {
    const { agent } = openAgent();
    const asking = agent.runAgent();
    const attempt = await claimRun(port);
    const interrupts = [
      { id: 'i1', reason: 'approval', toolCallId: 't1' },
      { id: 'i2', reason: 'input', message: 'Which one?' },
    ];
    await attempt.finish({ status: 'INTERRUPTED', interrupt: { interrupts } });
    await asking;
    expect(agent.pendingInterrupts).toMatchObject(interrupts);
    const { agent: other } = openAgent({ threadId: agent.threadId });
    const answering = other.runAgent({
      resume: ['i1', 'i2'].map((interruptId) => ({ interruptId, status: 'cancelled' as const })),
    });
    const second = await claimRun(port);
    expect(second.resumes).toBe(attempt.runId);
    await second.finish({ status: 'SUCCESS' });
    await answering;
  });

  it('should make another input of its runs, for a graph that wants one', async () => {
    const { agent } = openAgent({
      toRunInput: ({ messages, resume }) =>
        resume ? { resume: resume[0]?.payload } : { messages: messages.slice(-1) },
    });
    ask(agent, 'u1', 'Hello');
    ask(agent, 'u2', 'Book it');
    const asking = agent.runAgent();
    const attempt = await claimRun(port);
    expect(attempt.input).toEqual({ messages: [{ id: 'u2', role: 'user', content: 'Book it' }] });
    await attempt.finish({ status: 'INTERRUPTED' });
    await asking;
    const answering = agent.runAgent({
      resume: [{ interruptId: attempt.runId, status: 'resolved', payload: 'Yes' }],
    });
    const second = await claimRun(port);
    expect(second).toMatchObject({ resumes: attempt.runId, input: { resume: 'Yes' } });
    await second.finish({ status: 'SUCCESS' });
    await answering;
    await agent.connectAgent();
    expect(shown(agent)).toEqual([
      ['user', 'Hello'],
      ['user', 'Book it'],
    ]);
  });

  it('should cancel the run of a worker that is in the middle of a message', async () => {
    const { agent, events } = openAgent();
    const started = heard(agent, EventType.TEXT_MESSAGE_CONTENT);
    const running = agent.runAgent();
    const attempt = await claimRun(port);
    await attempt.say(...textMessage('a1', 'One ').slice(0, 2));
    await started;
    agent.abortRun();
    await attempt.cancellation();
    await attempt.finish({ status: 'CANCELLED' });
    await running;
    expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', outcome: { type: 'cancelled' } });
    expect(await statusOf(attempt.runId)).toEqual({ run: { status: 'CANCELLED' } });
    expect(shown(agent)).toEqual([['assistant', 'One ']]);
  });

  it('should cancel a run that waits', async () => {
    const { agent, events } = openAgent();
    const running = agent.runAgent();
    await eventually('the run waits', async () => {
      const { text } = await alice.send('{ runs(filter: { status: PENDING }) { totalCount } }');
      return text.includes('"totalCount":1');
    });
    agent.abortRun();
    await running;
    expect(events.map(({ type }) => type)).toEqual(['RUN_STARTED', 'RUN_FINISHED']);
    expect(events.at(-1)).toMatchObject({ outcome: { type: 'cancelled' } });
  });

  it('should cancel a run that is aborted before the server has it', async () => {
    const { agent, events } = openAgent();
    const running = agent.runAgent();
    agent.abortRun();
    await running;
    expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', outcome: { type: 'cancelled' } });
  });

  it("should hear of a run's error, and of why there is no run", async () => {
    const { agent, events } = openAgent();
    const running = agent.runAgent();
    const attempt = await claimRun(port);
    await attempt.say(...textMessage('a1', 'Half').slice(0, 2));
    await attempt.finish({ status: 'ERROR', error: { code: 'MODEL_DOWN', message: 'No model answered.' } });
    await running;
    expect(events.at(-1)).toMatchObject({
      type: 'RUN_ERROR',
      code: 'MODEL_DOWN',
      message: 'No model answered.',
    });
    const { agent: wrong, events: refused } = openAgent({ assistantId: '0'.repeat(32) });
    await wrong.runAgent();
    expect(refused).toMatchObject([{ type: 'RUN_ERROR', code: 'NOT_FOUND' }]);
    expect(refused[0]?.['message']).toMatch(/^input\.assistantId: /);
  });

  it('should hear that its run was deleted', async () => {
    const { agent, events } = openAgent();
    const started = heard(agent, EventType.RUN_STARTED);
    const running = agent.runAgent();
    const { threadId } = await claimRun(port);
    await started;
    await alice.send('mutation ($id: ID!) { deleteThread(id: $id) { success } }', { id: threadId });
    await running;
    expect(events.at(-1)).toMatchObject({ type: 'RUN_ERROR', code: 'NOT_FOUND' });
  });

  it('should fail where its token is not valid, without trying again', async () => {
    // The client logs the error too.
    vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => void vi.restoreAllMocks());
    const { agent } = openAgent({ token: 'no token' });
    await expect(agent.runAgent()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('should come back to a run that goes on, and see all of it', async () => {
    const { agent } = openAgent();
    ask(agent, 'u1', 'Count');
    const spoken = heard(agent, EventType.TEXT_MESSAGE_CONTENT);
    const running = agent.runAgent({ runId: 'count' });
    const attempt = await claimRun(port);
    await attempt.say(...textMessage('a1', 'One ').slice(0, 2));
    await spoken;
    await agent.detachActiveRun();
    await running;
    const reloaded = openAgent({ threadId: agent.threadId });
    const caughtUp = heard(reloaded.agent, EventType.TEXT_MESSAGE_CONTENT);
    const coming = Promise.all([agent.connectAgent(), reloaded.agent.connectAgent()]);
    await caughtUp;
    await attempt.say(...textMessage('a1', 'two').slice(1));
    await attempt.finish({ status: 'SUCCESS' });
    await coming;
    for (const one of [agent, reloaded.agent]) {
      expect(shown(one)).toEqual([
        ['user', 'Count'],
        ['assistant', 'One two'],
      ]);
    }
    expect(reloaded.events[0]).toMatchObject({ type: 'RUN_STARTED', runId: 'count' });
  });

  it('should show nothing of a thread without runs, and make none', async () => {
    const { agent, events } = openAgent({ threadId: 'never used' });
    expect((await agent.connectAgent()).newMessages).toEqual([]);
    expect(events).toEqual([]);
    const filter = { metadata: { clientThreadId: 'never used' } };
    const { body } = await alice.send(
      'query ($filter: ThreadFilterInput) { threads(filter: $filter) { totalCount } }',
      { filter },
    );
    expect(body.data).toEqual({ threads: { totalCount: 0 } });
  });

  it('should go on without a gap when the server is restarted in the middle of a message', async () => {
    const ownPort = await keptPort();
    const env = { ...SERVER, DATA_DIR: 'restarted', PORT: String(ownPort) };
    const server = project.server(env);
    await greeting(server);
    const graph = await createAssistant(await clientOf(ownPort, 'alice'), 'chat');
    const { agent, events } = openAgent({
      url: `http://127.0.0.1:${ownPort}/graphql`,
      assistantId: graph,
    });
    const spoken = heard(agent, EventType.TEXT_MESSAGE_CONTENT);
    const running = agent.runAgent();
    const attempt = await claimRun(ownPort);
    await attempt.say(...textMessage('a1', 'One ').slice(0, 2));
    await spoken;
    server.send('SIGKILL');
    await server.ending;
    await greeting(project.server(env));
    await attempt.say(...textMessage('a1', 'two ', 'three').slice(1));
    await attempt.finish({ status: 'SUCCESS' });
    await running;
    expect(shown(agent)).toEqual([['assistant', 'One two three']]);
    expect(events.map(({ type }) => type)).toEqual([
      'RUN_STARTED',
      'TEXT_MESSAGE_START',
      ...Array.from({ length: 3 }, () => 'TEXT_MESSAGE_CONTENT'),
      'TEXT_MESSAGE_END',
      'RUN_FINISHED',
    ]);
  });
});
