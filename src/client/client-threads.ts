import type { GraphQLClient } from './graphql-client.ts';
import { type Payload, resourceOf } from './payload.ts';

/*
 * Front ends choose the ids of their conversations; the server makes those of its threads. The thread of a front end's id
 * is created with an idempotency key made of that id: so the same id leads to the same thread after a page is loaded again
 * and on another device, and nothing has to be remembered. An id in the form of the server's is a thread's own.
 */

const SERVER_ID = /^[0-9a-f]{32}$/;

const CREATE_THREAD = `mutation ($input: CreateThreadInput!) {
  createThread(input: $input) { thread { id } userErrors { code message field } }
}`;

/** The server's id of a front end's thread, which is created where there is none. */
export async function openThread(
  client: GraphQLClient,
  clientThreadId: string,
  signal: AbortSignal,
): Promise<string> {
  if (SERVER_ID.test(clientThreadId)) return clientThreadId;
  const input = { metadata: { clientThreadId }, idempotencyKey: `client-thread:${clientThreadId}` };
  type Thread = { readonly id: string };
  const data = await client.request<{ readonly createThread: Payload<'thread', Thread> }>(
    CREATE_THREAD,
    { input },
    signal,
  );
  return resourceOf(data.createThread, 'thread').id;
}

const FIND_THREAD = `query ($metadata: JSONObject!) {
  threads(first: 1, filter: { metadata: $metadata }) { nodes { id } }
}`;

/** The server's id of a front end's thread; null where there is none. */
export async function findThread(
  client: GraphQLClient,
  clientThreadId: string,
  signal: AbortSignal,
): Promise<string | null> {
  if (SERVER_ID.test(clientThreadId)) return clientThreadId;
  const data = await client.request<{
    readonly threads: { readonly nodes: readonly { readonly id: string }[] };
  }>(FIND_THREAD, { metadata: { clientThreadId } }, signal);
  return data.threads.nodes[0]?.id ?? null;
}
