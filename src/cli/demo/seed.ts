import { z } from 'zod';

/** The records that the demo starts with. */
export interface Seeded {
  readonly assistantId: string;
  /** The run that asks a person, and its thread. */
  readonly asking: { readonly id: string; readonly threadId: string };
}

const Created = z.object({
  data: z.object({
    createAssistant: z.object({ assistant: z.object({ id: z.string() }) }).optional(),
    createThread: z.object({ thread: z.object({ id: z.string() }) }).optional(),
    createRun: z.object({ run: z.object({ id: z.string(), threadId: z.string() }) }).optional(),
  }),
});

/** Creates an assistant, and two threads with a run each. */
export async function seed(url: string, token: string): Promise<Seeded> {
  const assistant = await create('Assistant', '{ assistant { id } }', { graphId: 'demo', name: 'Demo' });
  const assistantId = assistant.createAssistant?.assistant.id ?? '';
  await createRun('A greeting', 'hello');
  return { assistantId, asking: await createRun('A question', 'ask') };

  async function createRun(title: string, text: string): Promise<Seeded['asking']> {
    const { createThread } = await create('Thread', '{ thread { id } }', { metadata: { title } });
    const input = { assistantId, threadId: createThread?.thread.id, input: { text } };
    const { createRun: created } = await create('Run', '{ run { id threadId } }', input);
    return { id: created?.run.id ?? '', threadId: created?.run.threadId ?? '' };
  }

  async function create(type: string, selection: string, input: object) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        query: `mutation($input: Create${type}Input!) { create${type}(input: $input) ${selection} }`,
        variables: { input },
      }),
    });
    return Created.parse(await response.json()).data;
  }
}
