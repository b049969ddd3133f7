import type { Agent, IncomingMessage } from 'node:http';
import { open, send } from './measured-servers.ts';

/** How many calls are made at a time. */
export const CONNECTIONS = 16;
/** The graph of the assistants. */
export const GRAPH = 'graph';

const CREATE_ASSISTANT =
  'mutation ($input: CreateAssistantInput!) { createAssistant(input: $input) { assistant { id } userErrors { code } } }';
/** Creates a run. */
export const CREATE =
  'mutation ($input: CreateRunInput!) { createRun(input: $input) { run { id } userErrors { code } } }';
/** Claims runs. */
export const CLAIM =
  'mutation ($input: ClaimRunsInput!) { claimRuns(input: $input) { claims { lease runId input values config } userErrors { code } } }';
const EVENTS =
  'subscription ($id: ID!) { runEvents(runId: $id) { events { seq type data } last status done } }';

/** The result of claimRuns. */
export interface Claimed {
  readonly claims: readonly { readonly lease: string; readonly runId: string }[];
}
/** The result of createRun. */
export interface Created {
  readonly run: { readonly id: string };
}

/** Creates an assistant. Returns its id. */
export async function createAssistant(port: number, agent: Agent, token: string): Promise<string> {
  const { assistant } = await send<{ assistant: { id: string } }>(port, agent, token, {
    query: CREATE_ASSISTANT,
    variables: { input: { graphId: GRAPH } },
  });
  return assistant.id;
}

/** Opens a stream of a run's events, and waits for its first batch. */
export async function openStream(
  port: number,
  agent: Agent,
  token: string,
  id: string,
): Promise<IncomingMessage> {
  const stream = await open(port, agent, token, { query: EVENTS, variables: { id } }, 'text/event-stream');
  await new Promise((resolve) => {
    stream.on('data', function look(chunk: Buffer) {
      if (!chunk.includes('"last"')) return;
      stream.off('data', look);
      resolve(null);
    });
  });
  return stream;
}

/** Makes calls, some at a time. */
export async function inParallel(
  calls: number,
  call: (index: number) => Promise<unknown>,
  connections = CONNECTIONS,
): Promise<void> {
  const indexes = Array.from({ length: calls }).keys();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (const index of indexes) await call(index);
    }),
  );
}
