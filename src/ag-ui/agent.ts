import {
  AbstractAgent,
  type AgentConfig,
  type BaseEvent,
  type RunAgentInput,
  type RunAgentResult,
} from '@ag-ui/client';
import { findThread, openThread } from '../client/client-threads.ts';
import { type ConnectionOptions, createGraphQLClient, type GraphQLClient } from '../client/graphql-client.ts';
import { runOfInterrupt } from '../client/interrupts.ts';
import { Refusal } from '../client/payload.ts';
import { createRun, readInterruptedRun, readLatestRuns } from '../client/run-requests.ts';
import { createRunSession, followAsAgUi, type RunSession } from '../client/run-session.ts';
import type { RunOptions, RunRecord, RunRef } from '../client/run.ts';
import type { StartingPoint } from '../client/run-to-ag-ui.ts';
import { toBaseEvent } from './base-event.ts';
import { createEventStream, type EventStream } from './event-stream.ts';

/** How an agent reaches its server, which assistant it runs, and AG-UI's own settings. */
export interface AgentGraphQLAgentConfig extends AgentConfig, ConnectionOptions, RunOptions {}

/**
 * An AG-UI agent that creates runs of an assistant on an agent-graphql server, and follows them, in browsers and Node.js.
 *
 * - `runAgent` creates a run, and follows it to its end, also across restarts of the server and lost connections.
 * - `abortRun` cancels the run, which ends with the outcome `cancelled` once its worker has stopped, within 15 seconds.
 * - `detachActiveRun` stops following the run, which continues; `connectAgent` returns to it.
 * - `connectAgent` follows the thread's active run from its beginning, or the last run if none is active. It ends at once
 *   if the thread has no runs.
 * - `resume` of `runAgent` answers the interrupted run.
 *
 * The front end chooses `threadId` and `runId`. The same `threadId` leads to the same thread on every device; the same
 * `runId` never creates a second run. The server's id of a thread is accepted as a `threadId`, too.
 */
export class AgentGraphQLAgent extends AbstractAgent {
  private client: GraphQLClient;
  private options: RunOptions;
  private sessions = new Set<RunSession>();
  /** Whether the run that is being prepared was aborted already. */
  private isAborted = false;

  constructor(config: AgentGraphQLAgentConfig) {
    super(config);
    this.client = createGraphQLClient(config);
    this.options = config;
  }

  override run(input: RunAgentInput): EventStream {
    return this.observe((session) => this.createAndFollow(input, session));
  }

  protected override connect(input: RunAgentInput): EventStream {
    return this.observe((session) => this.findAndFollow(input, session));
  }

  override async runAgent(...args: Parameters<AbstractAgent['runAgent']>): Promise<RunAgentResult> {
    this.isAborted = false;
    return super.runAgent(...args);
  }

  override abortRun(): void {
    for (const session of this.sessions) session.stop();
    this.isAborted = this.isRunning && this.sessions.size === 0;
  }

  override clone(): AgentGraphQLAgent {
    const cloned: AgentGraphQLAgent = super.clone();
    cloned.client = this.client;
    cloned.options = this.options;
    cloned.sessions = new Set();
    cloned.isAborted = false;
    return cloned;
  }

  /** The events of a session, which begins with the first subscription and is left after the last one. */
  private observe(follow: (session: RunSession) => AsyncIterable<BaseEvent>): EventStream {
    return createEventStream(() => {
      const session = createRunSession(this.client, this.options);
      if (this.isAborted) session.stop();
      this.isAborted = false;
      return { events: this.during(session, follow(session)), leave: session.leave };
    });
  }

  private async *during(
    session: RunSession,
    events: AsyncIterable<BaseEvent>,
  ): AsyncGenerator<BaseEvent, void, undefined> {
    this.sessions.add(session);
    try {
      yield* events;
    } finally {
      this.sessions.delete(session);
    }
  }

  private async *createAndFollow(
    input: RunAgentInput,
    session: RunSession,
  ): AsyncGenerator<BaseEvent, void, undefined> {
    const { threadId, runId, messages, state } = input;
    let run: RunRef;
    try {
      run = await this.createRun(input, session.signal);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      yield toBaseEvent({ type: 'RUN_ERROR', code: error.code, message: error.message });
      return;
    }
    session.setRun(run);
    const options = { threadId, runId, start: { messages, state }, restores: false };
    for await (const event of followAsAgUi(this.client, run, options, session.signal)) {
      yield toBaseEvent(event);
    }
  }

  private async createRun(input: RunAgentInput, signal: AbortSignal): Promise<RunRef> {
    const { threadId: clientThreadId, runId, protocolVersion: _, ...given } = input;
    const threadId = await openThread(this.client, clientThreadId, signal);
    const run = {
      threadId,
      input: given,
      resumes: await this.resumedRun(input, threadId, signal),
      clientRunId: runId,
      idempotencyKey: `client-run:${clientThreadId}:${runId}`,
    };
    return createRun(this.client, this.options, run, signal);
  }

  /** The interrupted run that an input answers; null for one that answers none. */
  private async resumedRun(
    { resume = [] }: RunAgentInput,
    threadId: string,
    signal: AbortSignal,
  ): Promise<string | null> {
    const [entry] = resume;
    if (entry === undefined) return null;
    const pending = this.pendingInterrupts.find(({ id }) => id === entry.interruptId);
    const known = pending === undefined ? null : runOfInterrupt(pending);
    return known ?? (await readInterruptedRun(this.client, threadId, signal)) ?? entry.interruptId;
  }

  private async *findAndFollow(
    input: RunAgentInput,
    session: RunSession,
  ): AsyncGenerator<BaseEvent, void, undefined> {
    const { signal } = session;
    const threadId = await findThread(this.client, input.threadId, signal);
    if (threadId === null) return;
    const { active, latest } = await readLatestRuns(this.client, threadId, signal);
    const run = active ?? latest;
    if (run === null) return;
    session.setRun(run);
    const { clientRunId } = run.metadata;
    const runId = typeof clientRunId === 'string' ? clientRunId : run.id;
    const options = { threadId: input.threadId, runId, start: this.startingPointOf(run), restores: true };
    for await (const event of followAsAgUi(this.client, run, options, signal)) yield toBaseEvent(event);
  }

  /** The conversation when a run was created; null where the run's input does not contain it. */
  private startingPointOf({ input, metadata }: RunRecord): StartingPoint | null {
    const messages = input?.['messages'];
    const isFrontEnds = typeof metadata['clientRunId'] === 'string' && this.options.toRunInput === undefined;
    return isFrontEnds && Array.isArray(messages) ? { messages, state: input?.['state'] } : null;
  }
}
