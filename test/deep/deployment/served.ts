import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { z } from 'zod';
import { type Client, clientWith } from '../../process/client.ts';
import { createAssistant, createRun } from '../../process/echo-worker.ts';
import { loggedPort, type Started } from '../../process/project.ts';
import { eventually } from '../../support/eventually.ts';

/** A server that a platform has started. */
export interface Served {
  readonly port: number;
  readonly owner: Client;
  readonly worker: Client;
}

/** The clients of a server once it listens. @param token signs one for a subject, with a worker's scope or none */
export async function served(
  server: Started,
  token: (subject: string, scope?: string) => Promise<string>,
  workerScope: string,
): Promise<Served> {
  const port = await loggedPort(server);
  return {
    port,
    owner: clientWith(port, await token('alice')),
    worker: clientWith(port, await token('worker-1', workerScope)),
  };
}

const CLAIM = `mutation ($graphId: String!) {
  claimRuns(input: { worker: "worker-1", graphIds: [$graphId], waitSeconds: 0 }) { claims { runId } userErrors { code } }
}`;
const Claimed = z.object({ claimRuns: z.object({ claims: z.array(z.object({ runId: z.string() })) }) });

/** Checks that a worker claims the runs of an owner. */
export async function expectRunsAreClaimed({ owner, worker }: Served): Promise<void> {
  // No other server of this database has runs of this graph.
  const graphId = randomUUID();
  const { id } = await createRun(owner, await createAssistant(owner, graphId), {});
  const { body } = await worker.send(CLAIM, { graphId });
  expect(Claimed.parse(body.data).claimRuns.claims).toEqual([{ runId: id }]);
}

/** Checks that a server whose delay is long is not ready once it is told to stop, and serves all the same. */
export async function expectDrains(server: Started, port: number): Promise<void> {
  server.send('SIGTERM');
  await eventually('it is not ready', async () => (await statusOf(port, '/ready')) === 503);
  expect(await statusOf(port, '/health')).toBe(200);
}

/** Checks that a server ends in order when it is told to stop. */
export async function expectStops(server: Started): Promise<void> {
  server.send('SIGTERM');
  expect(await server.ending).toMatchObject({ code: 0, signal: null, stderr: '' });
}

/** The status of an answer to GET. */
export async function statusOf(port: number, path: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
  await response.text();
  return response.status;
}
