import { expect } from 'vitest';
import { z } from 'zod';
import { type Client, clientOf, SERVER } from '../../process/client.ts';
import { createAssistant, createRun } from '../../process/echo-worker.ts';
import { greeting, type Project, type Started } from '../../process/project.ts';

const Json = z.record(z.string(), z.unknown()).nullable();
const Run = z.object({
  status: z.string(),
  attempt: z.number(),
  worker: z.string().nullable(),
  output: Json,
  checkpoint: Json,
  interrupt: Json,
  error: z.object({ code: z.string(), message: z.string(), details: Json }).nullable(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  events: z.array(
    z.object({
      seq: z.number(),
      attempt: z.number(),
      type: z.string(),
      data: z.record(z.string(), z.unknown()),
    }),
  ),
  thread: z.object({ status: z.string(), values: Json }),
});
const FIELDS =
  'status attempt worker output checkpoint interrupt error { code message details } startedAt finishedAt thread { status values } events(first: 1000) { seq attempt type data }';

/** A run as a caller sees it, with its first 1,000 events. */
export type RunState = z.infer<typeof Run>;

/** A server of a scenario, with a client. */
export interface ScenarioServer {
  readonly server: Started;
  readonly port: number;
  readonly client: Client;
}

/** Starts a server. @param env variables besides those of all test servers */
export async function startServer(
  project: Project,
  env: Readonly<Record<string, string>> = {},
): Promise<ScenarioServer> {
  const server = project.server({ ...SERVER, ...env });
  const { port } = await greeting(server);
  return { server, port, client: await clientOf(port, 'alice') };
}

/** Creates a run of an assistant of its own. @param more other fields of createRun's input */
export async function createRunOf(
  client: Client,
  graphId: string,
  input: Readonly<Record<string, unknown>> = {},
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly id: string; readonly threadId: string }> {
  return createRun(client, await createAssistant(client, graphId), { input, ...more });
}

/** The run as it is. */
export async function getRun(client: Client, id: string): Promise<RunState> {
  const { body } = await client.send(`{ run(id: "${id}") { ${FIELDS} } }`);
  return z.object({ run: Run }).parse(body.data).run;
}

/** The run once it has ended. */
export async function endedRun(client: Client, id: string): Promise<RunState> {
  for (;;) {
    const { body } = await client.send(`{ waitForRun(id: "${id}") { ${FIELDS} } }`);
    const { waitForRun: run } = z.object({ waitForRun: Run }).parse(body.data);
    if (run.status !== 'PENDING' && run.status !== 'RUNNING') return run;
  }
}

/** Asks for a run to be cancelled. */
export async function cancelRun(client: Client, id: string, action = 'INTERRUPT'): Promise<void> {
  await client.send(`mutation { cancelRun(input: { id: "${id}", action: ${action} }) { run { status } } }`);
}

/** Stops a process by SIGTERM, which ends well: what it has printed. */
export async function stop(started: Started): Promise<string> {
  started.send('SIGTERM');
  const { code, signal, stdout, stderr } = await started.ending;
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  return stdout;
}

/** How often a line was printed. */
export function countOf(stdout: string, line: string): number {
  return stdout.split('\n').filter((printed) => printed === line).length;
}
