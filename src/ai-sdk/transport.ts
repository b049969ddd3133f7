import type { ChatRequestOptions, ChatTransport, UIMessage, UIMessageChunk } from 'ai';
import { findThread, openThread } from '../client/client-threads.ts';
import { type ConnectionOptions, createGraphQLClient, type GraphQLClient } from '../client/graphql-client.ts';
import { createRun, readInterruptedRun, readLatestRuns } from '../client/run-requests.ts';
import { createRunSession, followAsAgUi, type RunSession } from '../client/run-session.ts';
import type { RunOptions, RunRef } from '../client/run.ts';
import { toAgUiMessages } from './ag-ui-messages.ts';
import { resumeOf } from './resume.ts';
import { createUiChunks } from './ui-chunks.ts';

/** How a transport reaches its server, and which assistant it runs. */
export interface AgentGraphQLTransportConfig extends ConnectionOptions, RunOptions {}

type SendOptions<Message extends UIMessage> = Parameters<ChatTransport<Message>['sendMessages']>[0];
type ReconnectOptions<Message extends UIMessage> = Parameters<ChatTransport<Message>['reconnectToStream']>[0];

/**
 * A transport for the AI SDK's `useChat`: a chat is a thread of an agent-graphql server, an answer is a run of an assistant.
 *
 * - Sending creates a run, and follows it to its end, also across restarts of the server and lost connections.
 * - `stop` cancels the run. When the page is closed, the run continues; `resumeStream` follows it again from its beginning.
 * - The same chat id leads to the same thread on every device. The server's id of a thread is accepted as a chat id, too.
 * - A run's `input` has AG-UI's fields: `messages`, `tools`, `context`, `forwardedProps` (the request's `body`), `resume`.
 */
export class AgentGraphQLTransport<Message extends UIMessage = UIMessage> implements ChatTransport<Message> {
  readonly resumeStreamIsReplay = true;
  readonly #client: GraphQLClient;
  readonly #options: RunOptions;
  /** The session of the last reconnection of each chat. */
  readonly #reconnected = new Map<string, RunSession>();

  constructor(config: AgentGraphQLTransportConfig) {
    this.#client = createGraphQLClient(config);
    this.#options = config;
  }

  sendMessages = async (options: SendOptions<Message>): Promise<ReadableStream<UIMessageChunk>> => {
    const { chatId, messages, abortSignal } = options;
    abortSignal?.throwIfAborted();
    const session = createRunSession(this.#client, this.#options);
    abortSignal?.addEventListener('abort', session.stop);
    const run = await this.#createRun(chatId, options, session.signal);
    session.setRun(run);
    const last = messages.at(-1);
    if (last?.role !== 'assistant' || options.trigger !== 'submit-message') {
      return this.#follow(chatId, run, session, createUiChunks(run.id, []));
    }
    // An answer to the last message's questions: the run continues that message.
    const calledBefore = last.parts.flatMap((part) => ('toolCallId' in part ? [part.toolCallId] : []));
    return this.#follow(chatId, run, session, createUiChunks(last.id, calledBefore));
  };

  reconnectToStream = async ({
    chatId,
    abortSignal,
  }: ReconnectOptions<Message>): Promise<ReadableStream<UIMessageChunk> | null> => {
    abortSignal?.throwIfAborted();
    const session = createRunSession(this.#client, this.#options);
    this.#reconnected.set(chatId, session);
    abortSignal?.addEventListener('abort', () => {
      // A chat that reconnects again has just aborted its first attempt: that does not cancel the run.
      queueMicrotask(() => {
        if (this.#reconnected.get(chatId) === session) session.stop();
        else session.leave();
      });
    });
    const threadId = await findThread(this.#client, chatId, session.signal);
    if (threadId === null) return null;
    const { active } = await readLatestRuns(this.#client, threadId, session.signal);
    if (active === null) return null;
    session.setRun(active);
    return this.#follow(chatId, active, session, createUiChunks(active.id, []));
  };

  async #createRun(
    chatId: string,
    { messages, body = {} }: Pick<SendOptions<Message>, 'messages'> & ChatRequestOptions,
    signal: AbortSignal,
  ): Promise<RunRef> {
    const { resume: given, ...forwardedProps }: Readonly<Record<string, unknown>> = { ...body };
    const resume = resumeOf(messages, given);
    const threadId = await openThread(this.#client, chatId, signal);
    const [first] = resume;
    const resumes =
      first && ((await readInterruptedRun(this.#client, threadId, signal)) ?? first.interruptId);
    const id = randomId();
    const run = {
      threadId,
      input: {
        messages: toAgUiMessages(messages),
        tools: [],
        context: [],
        forwardedProps,
        ...(resume.length > 0 && { resume }),
      },
      resumes: resumes ?? null,
      clientRunId: id,
      idempotencyKey: `client-run:${id}`,
    };
    return createRun(this.#client, this.#options, run, signal);
  }

  #follow(
    chatId: string,
    run: RunRef,
    session: RunSession,
    toChunks: ReturnType<typeof createUiChunks>,
  ): ReadableStream<UIMessageChunk> {
    const options = { threadId: chatId, runId: run.id, start: null, restores: false };
    const events = followAsAgUi(this.#client, run, options, session.signal);
    return new ReadableStream({
      async pull(controller) {
        // The stream does not call `pull` again before a chunk was enqueued.
        for (let count = 0; count === 0;) {
          const { done, value } = await events.next();
          if (done === true) return controller.close();
          const chunks = toChunks(value);
          for (const chunk of chunks) controller.enqueue(chunk);
          count = chunks.length;
        }
      },
      cancel: session.leave,
    });
  }
}

/** `crypto.randomUUID` is not available on pages without TLS. */
function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
