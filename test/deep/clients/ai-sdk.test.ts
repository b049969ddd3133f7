import { AbstractChat, type ChatState, type ChatStatus, readUIMessageStream, type UIMessage } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentGraphQLTransport } from '../../../src/ai-sdk/transport.ts';
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

/** The state of a chat, without a framework around it. */
class State implements ChatState<UIMessage> {
  status: ChatStatus = 'ready';
  error: Error | undefined = undefined;
  messages: UIMessage[] = [];
  pushMessage = (message: UIMessage): void => void this.messages.push(this.snapshot(message));
  popMessage = (): void => void this.messages.pop();
  replaceMessage = (index: number, message: UIMessage): void => {
    this.messages[index] = this.snapshot(message);
  };
  snapshot = <T>(value: T): T => structuredClone(value);
}

class Chat extends AbstractChat<UIMessage> {}

function transportTo(toPort = port, assistant = assistantId): AgentGraphQLTransport {
  return new AgentGraphQLTransport({
    url: `http://127.0.0.1:${toPort}/graphql`,
    token: () => tokenOf('alice'),
    assistantId: assistant,
  });
}

function openChat(id: string, transport = transportTo()): Chat {
  return new Chat({ id, transport, state: new State() });
}

/** The parts of a chat's last message. */
function parts(chat: Chat): UIMessage['parts'] {
  return chat.lastMessage?.parts ?? [];
}

function says(chat: Chat, text: string): Promise<number> {
  return eventually(`the chat says ${text}`, () => JSON.stringify(parts(chat)).includes(text));
}

async function statusOf(runId: string): Promise<unknown> {
  return (await alice.send('query ($id: ID!) { run(id: $id) { status } }', { id: runId })).body.data;
}

describe("the AI SDK's chat", () => {
  it('should send a message, and assemble the answer', async () => {
    const chat = openChat('answer');
    const sending = chat.sendMessage(
      {
        parts: [
          { type: 'text', text: 'Where is it?' },
          { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,iVBORw0=' },
        ],
      },
      { body: { locale: 'en' } },
    );
    const attempt = await claimRun(port);
    expect(attempt.input).toMatchObject({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Where is it?' },
            { type: 'image', source: { type: 'data', value: 'iVBORw0=', mimeType: 'image/png' } },
          ],
        },
      ],
      forwardedProps: { locale: 'en' },
    });
    await attempt.say(
      { type: 'REASONING_START', messageId: 'th' },
      { type: 'REASONING_MESSAGE_START', messageId: 'th', role: 'reasoning' },
      { type: 'REASONING_MESSAGE_CONTENT', messageId: 'th', delta: 'Track it.' },
      { type: 'REASONING_MESSAGE_END', messageId: 'th' },
      { type: 'REASONING_END', messageId: 'th' },
      { type: 'TOOL_CALL_START', toolCallId: 't1', toolCallName: 'track' },
      { type: 'TOOL_CALL_ARGS', toolCallId: 't1', delta: '{"parcel":7}' },
      { type: 'TOOL_CALL_END', toolCallId: 't1' },
      { type: 'TOOL_CALL_RESULT', toolCallId: 't1', messageId: 'r1', content: '{"at":"Berlin"}' },
      { type: 'STATE_SNAPSHOT', snapshot: { parcel: 7 } },
      { type: 'score', value: 0.5 },
      ...textMessage('a1', 'In ', 'Berlin.'),
      { type: 'TEXT_MESSAGE_CHUNK', messageId: 'a2', role: 'assistant', delta: 'Soon ' },
      { type: 'TEXT_MESSAGE_CHUNK', delta: 'yours.' },
    );
    await attempt.finish({ status: 'SUCCESS' });
    await sending;
    expect(chat.error).toBeUndefined();
    expect(chat.lastMessage).toMatchObject({ id: attempt.runId, role: 'assistant' });
    expect(parts(chat)).toMatchObject([
      { type: 'reasoning', text: 'Track it.', state: 'done' },
      {
        type: 'tool-track',
        toolCallId: 't1',
        state: 'output-available',
        input: { parcel: 7 },
        output: { at: 'Berlin' },
      },
      { type: 'data-state', data: { parcel: 7 } },
      { type: 'data-score', data: { value: 0.5 } },
      { type: 'text', text: 'In Berlin.', state: 'done' },
      { type: 'text', text: 'Soon yours.', state: 'done' },
    ]);
    // The next run has the whole conversation, as AG-UI has it.
    const next = chat.sendMessage({ text: 'Thanks' });
    const second = await claimRun(port);
    expect(second.threadId).toBe(attempt.threadId);
    expect(second.input?.['messages']).toMatchObject([
      { role: 'user' },
      {
        role: 'assistant',
        toolCalls: [{ id: 't1', function: { name: 'track', arguments: '{"parcel":7}' } }],
      },
      { role: 'tool', toolCallId: 't1', content: '{"at":"Berlin"}' },
      { role: 'assistant', content: 'In Berlin.Soon yours.' },
      { role: 'user', content: 'Thanks' },
    ]);
    await second.finish({ status: 'SUCCESS' });
    await next;
  });

  it('should give a stream that others can read', async () => {
    const stream = await transportTo().sendMessages({
      trigger: 'submit-message',
      chatId: 'stream',
      messageId: undefined,
      messages: [{ id: 'u1', role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
      abortSignal: undefined,
    });
    const attempt = await claimRun(port);
    await attempt.say(...textMessage('a1', 'Hello!'));
    await attempt.finish({ status: 'SUCCESS' });
    let message: UIMessage | undefined;
    for await (const read of readUIMessageStream({ stream })) message = read;
    expect(message?.parts).toMatchObject([{ type: 'text', text: 'Hello!' }]);
  });

  it('should say where another attempt begins', async () => {
    const chat = openChat('attempts');
    const sending = chat.sendMessage({ text: 'Hello' });
    const lost = await claimRun(port);
    await lost.say(...textMessage('a1', 'Hal').slice(0, 2));
    await lost.finish({
      status: 'ERROR',
      retry: true,
      retryAfterSeconds: 0,
      error: { code: 'DOWN', message: 'Down.' },
    });
    const attempt = await claimRun(port);
    await attempt.say(...textMessage('a1', 'Hello!'));
    await attempt.finish({ status: 'SUCCESS' });
    await sending;
    expect(parts(chat)).toMatchObject([
      { type: 'text', text: 'Hal' },
      { type: 'data-RUN_ATTEMPT', data: { attempt: 2 } },
      { type: 'text', text: 'Hello!' },
    ]);
  });

  it('should cancel the run when it is stopped', async () => {
    const chat = openChat('stopped');
    const sending = chat.sendMessage({ text: 'Count' });
    const attempt = await claimRun(port);
    await attempt.say(...textMessage('a1', 'One').slice(0, 2));
    await says(chat, 'One');
    await chat.stop();
    await sending;
    await attempt.cancellation();
    await attempt.finish({ status: 'CANCELLED' });
    expect(await statusOf(attempt.runId)).toEqual({ run: { status: 'CANCELLED' } });
    expect(chat.status).toBe('ready');
    expect(parts(chat)).toMatchObject([{ type: 'text', text: 'One' }]);
  });

  it('should have the error of a run, and why there is none', async () => {
    const chat = openChat('failed');
    const sending = chat.sendMessage({ text: 'Hello' });
    const attempt = await claimRun(port);
    await attempt.finish({ status: 'ERROR', error: { code: 'DOWN', message: 'No model answered.' } });
    await sending;
    expect([chat.status, chat.error?.message]).toEqual(['error', 'No model answered.']);
    const wrong = openChat('refused', transportTo(port, '0'.repeat(32)));
    await wrong.sendMessage({ text: 'Hello' });
    expect(wrong.error?.message).toMatch(/^input\.assistantId: /);
  });

  it('should ask for the approval of a tool call, and go on with the answer', async () => {
    const chat = openChat('approval');
    const sending = chat.sendMessage({ text: 'Book it' });
    const attempt = await claimRun(port);
    await attempt.say(
      { type: 'TOOL_CALL_START', toolCallId: 't1', toolCallName: 'book' },
      { type: 'TOOL_CALL_ARGS', toolCallId: 't1', delta: '{"price":100}' },
      { type: 'TOOL_CALL_END', toolCallId: 't1' },
    );
    const interrupt = { id: 'i1', reason: 'approval', toolCallId: 't1' };
    await attempt.finish({ status: 'INTERRUPTED', interrupt: { interrupts: [interrupt] } });
    await sending;
    expect(parts(chat)).toMatchObject([
      { type: 'tool-book', state: 'approval-requested', approval: { id: 'i1' } },
      { type: 'data-interrupt', data: interrupt },
    ]);
    await chat.addToolApprovalResponse({ id: 'i1', approved: true });
    const answering = chat.sendMessage();
    const second = await claimRun(port);
    expect(second).toMatchObject({
      resumes: attempt.runId,
      input: { resume: [{ interruptId: 'i1', status: 'resolved', payload: { approved: true } }] },
    });
    await second.say(
      { type: 'TOOL_CALL_RESULT', toolCallId: 't1', messageId: 'r1', content: 'booked' },
      ...textMessage('a1', 'Booked.'),
    );
    await second.finish({ status: 'SUCCESS' });
    await answering;
    expect(chat.error).toBeUndefined();
    expect(chat.messages).toHaveLength(2);
    expect(parts(chat)).toMatchObject([
      { type: 'tool-book', state: 'output-available', output: 'booked' },
      { type: 'data-interrupt' },
      { type: 'text', text: 'Booked.' },
    ]);
  });

  it('should answer a question with the body of the next message', async () => {
    const chat = openChat('question');
    const sending = chat.sendMessage({ text: 'Book it' });
    const attempt = await claimRun(port);
    await attempt.finish({ status: 'INTERRUPTED', interrupt: { question: 'Which one?' } });
    await sending;
    expect(parts(chat)).toMatchObject([
      { type: 'data-interrupt', data: { id: attempt.runId, message: 'Which one?' } },
    ]);
    const resume = [{ interruptId: attempt.runId, status: 'resolved', payload: 'The first' }];
    const answering = chat.sendMessage({ text: 'The first' }, { body: { resume } });
    const second = await claimRun(port);
    expect(second).toMatchObject({ resumes: attempt.runId, input: { resume, forwardedProps: {} } });
    await second.finish({ status: 'SUCCESS' });
    await answering;
  });

  it('should come back to a run that goes on, see all of it, and stop it', async () => {
    const first = openChat('reloaded');
    const sending = first.sendMessage({ text: 'Count' });
    const attempt = await claimRun(port);
    await attempt.say(...textMessage('a1', 'One ').slice(0, 2));
    await says(first, 'One');
    const second = openChat('reloaded');
    // As React does in its strict mode: the second one takes over, and the run is not cancelled.
    const replaced = second.resumeStream();
    const resumed = second.resumeStream();
    await says(second, 'One');
    await attempt.say(...textMessage('a1', 'two ').slice(1, 2));
    await says(second, 'One two');
    await says(first, 'One two');
    expect(await statusOf(attempt.runId)).toEqual({ run: { status: 'RUNNING' } });
    await second.stop();
    await attempt.cancellation();
    await attempt.finish({ status: 'CANCELLED' });
    await Promise.all([sending, replaced, resumed]);
    expect(first.lastMessage?.id).toBe(second.lastMessage?.id);
    const third = openChat('reloaded');
    await third.resumeStream();
    expect([third.status, third.messages]).toEqual(['ready', []]);
  });

  it('should neither send a message nor come back where it was stopped before', async () => {
    const options = { chatId: 'stopped-before', abortSignal: AbortSignal.abort(new Error('stopped')) };
    const message = { trigger: 'submit-message', messageId: undefined } as const;
    const transport = transportTo();
    await expect(transport.sendMessages({ ...message, ...options, messages: [] })).rejects.toThrow('stopped');
    await expect(transport.reconnectToStream(options)).rejects.toThrow('stopped');
  });

  it('should go on without a gap when the server is restarted in the middle of an answer', async () => {
    const ownPort = await keptPort();
    const env = { ...SERVER, DATA_DIR: 'restarted', PORT: String(ownPort) };
    const server = project.server(env);
    await greeting(server);
    const graph = await createAssistant(await clientOf(ownPort, 'alice'), 'chat');
    const chat = openChat('restarted', transportTo(ownPort, graph));
    const sending = chat.sendMessage({ text: 'Count' });
    const attempt = await claimRun(ownPort);
    await attempt.say(...textMessage('a1', 'One ').slice(0, 2));
    await says(chat, 'One');
    server.send('SIGTERM');
    await server.ending;
    await greeting(project.server(env));
    await attempt.say(...textMessage('a1', 'two ', 'three').slice(1));
    await attempt.finish({ status: 'SUCCESS' });
    await sending;
    expect(parts(chat)).toMatchObject([{ type: 'text', text: 'One two three', state: 'done' }]);
    expect(chat.error).toBeUndefined();
  });
});
