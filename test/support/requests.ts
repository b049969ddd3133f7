import { type FetchedApi, type Answer, send } from './api.ts';

/** A JSON object that an executor may take for a promise. */
export const THEN: object = JSON.parse('{"then":1}');

/** The value at a path in an answer's data. */
export function valueAt(answer: Answer, ...path: readonly (string | number)[]): unknown {
  let value: unknown = answer.body.data;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) throw new TypeError(`No ${key} in ${answer.text}.`);
    value = Object.getOwnPropertyDescriptor(value, key)?.value;
  }
  return value;
}

/** The string at a path in an answer's data. */
export function textAt(answer: Answer, ...path: readonly (string | number)[]): string {
  const value = valueAt(answer, ...path);
  if (typeof value !== 'string') throw new TypeError(`No string at ${path.join('.')} in ${answer.text}.`);
  return value;
}

/** The list at a path in an answer's data. */
export function listAt(answer: Answer, ...path: readonly (string | number)[]): readonly unknown[] {
  const value = valueAt(answer, ...path);
  if (!Array.isArray(value)) throw new TypeError(`No list at ${path.join('.')} in ${answer.text}.`);
  return value;
}

/** The codes of an answer's errors. */
export function codesOf({ body }: Answer): readonly string[] {
  return (body.errors ?? []).map((error) => error.extensions.code);
}

/** Creates an assistant as an owner. Its id. */
export async function createAssistant(
  api: FetchedApi,
  as: string,
  input: Record<string, unknown> = {},
): Promise<string> {
  const answer = await send(
    api,
    as,
    'mutation($input: CreateAssistantInput!) { createAssistant(input: $input) { assistant { id } userErrors { message } } }',
    { input: { graphId: 'graph', ...input } },
  );
  return textAt(answer, 'createAssistant', 'assistant', 'id');
}

/** Creates a thread as an owner. Its id. */
export async function createThread(api: FetchedApi, as: string, metadata?: unknown): Promise<string> {
  const answer = await send(
    api,
    as,
    'mutation($metadata: JSONObject) { createThread(input: {metadata: $metadata}) { thread { id } userErrors { message } } }',
    { metadata },
  );
  return textAt(answer, 'createThread', 'thread', 'id');
}

/** Creates a run as an owner. Its id. */
export async function createRun(
  api: FetchedApi,
  as: string,
  threadId: string,
  assistantId: string,
  metadata?: unknown,
): Promise<string> {
  const answer = await send(
    api,
    as,
    'mutation($input: CreateRunInput!) { createRun(input: $input) { run { id } userErrors { message } } }',
    { input: { threadId, assistantId, metadata } },
  );
  return textAt(answer, 'createRun', 'run', 'id');
}

/** Moves a run to a status as an owner. */
export async function moveRun(api: FetchedApi, as: string, id: string, status: string): Promise<Answer> {
  return send(
    api,
    as,
    'mutation($input: UpdateRunInput!) { updateRun(input: $input) { run { status thread { status } } userErrors { code field } } }',
    { input: { id, status } },
  );
}
