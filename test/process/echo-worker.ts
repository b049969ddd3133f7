import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Client, type Events, workerTokenOf } from './client.ts';
import type { Project, Started } from './project.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/worker.mjs', import.meta.url));

/** Starts the example of a worker. */
export async function startWorker(
  project: Project,
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Started> {
  return project.start(process.execPath, [EXAMPLE], {
    AGENT_GRAPHQL_URL: `http://127.0.0.1:${port}/graphql`,
    AGENT_GRAPHQL_TOKEN: await workerTokenOf('worker-1'),
    ...env,
  });
}

const Created = z.object({
  createRun: z.object({ run: z.object({ id: z.string(), threadId: z.string() }) }),
});

/** A run of the graph that the example executes. */
export async function createRun(client: Client, assistantId: string, input: Record<string, unknown>) {
  const { body } = await client.send(
    'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id threadId } userErrors { message } } }',
    { input: { assistantId, ...input } },
  );
  return Created.parse(body.data).createRun.run;
}

/** The id of a new assistant. Default: one whose runs the example executes. */
export async function createAssistant(client: Client, graphId = 'echo'): Promise<string> {
  const { body } = await client.send(
    'mutation($graphId: String!) { createAssistant(input: { graphId: $graphId }) { assistant { id } } }',
    { graphId },
  );
  const Data = z.object({ createAssistant: z.object({ assistant: z.object({ id: z.string() }) }) });
  return Data.parse(body.data).createAssistant.assistant.id;
}

const RunEvent = z.object({
  seq: z.number(),
  attempt: z.number(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
});
const Batch = z.object({
  runEvents: z.object({ events: z.array(RunEvent), last: z.number(), status: z.string(), done: z.boolean() }),
});

/** Subscribes to the events of a run. */
export function subscribeToRun(client: Client, runId: string, after = 0): Promise<Events> {
  return client.subscribe(
    `subscription { runEvents(runId: "${runId}", after: ${after}) { events { seq attempt type data } last status done } }`,
  );
}

/** Events of a run up to the first one that is looked for, or up to the end of the run. */
export async function readUntil(
  events: Events,
  isFound: (event: z.infer<typeof RunEvent>) => boolean = () => false,
): Promise<readonly z.infer<typeof RunEvent>[]> {
  const read: z.infer<typeof RunEvent>[] = [];
  for (let body = await events.next(); body !== null; body = await events.next()) {
    read.push(...Batch.parse(body.data).runEvents.events);
    if (read.some(isFound)) break;
  }
  return read;
}
