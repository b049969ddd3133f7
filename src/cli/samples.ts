import { z } from 'zod';
import { ConfigError } from '../lib/config-error.ts';

/** Sends an operation. Resolves to the body of the response. */
export type Send = (query: string, variables: object) => Promise<unknown>;

/** How many samples there are. */
export interface SampleCounts {
  readonly assistants: number;
  readonly threads: number;
  readonly runs: number;
}

/** Creates the samples, or finds them where an earlier call has created them. */
export async function sendSamples(send: Send): Promise<SampleCounts> {
  const assistants = new Map<string, string>();
  for (const input of ASSISTANTS) {
    const idempotencyKey = `sample-${input.graphId}`;
    assistants.set(input.graphId, await created(send, CREATE_ASSISTANT, { ...input, idempotencyKey }));
  }
  let runs = 0;
  for (const { topic, channel, runs: runsOfThread } of THREADS) {
    const key = `sample-${topic}`;
    const threadId = await created(send, CREATE_THREAD, {
      metadata: { topic, channel },
      idempotencyKey: key,
    });
    for (const [index, { graphId, text, status }] of runsOfThread.entries()) {
      const runId = await created(send, CREATE_RUN, {
        threadId,
        assistantId: assistants.get(graphId),
        input: { text },
        idempotencyKey: `${key}-${index}`,
      });
      // A worker may have ended the run already, which is no error.
      if (status !== 'PENDING') await send(UPDATE_RUN, { input: { id: runId, status } });
      runs++;
    }
  }
  return { assistants: ASSISTANTS.length, threads: THREADS.length, runs };
}

const ASSISTANTS = [
  {
    graphId: 'echo',
    name: 'Echo',
    description: 'Says what it is told: examples/worker.mjs executes its runs.',
    metadata: { team: 'demo' },
  },
  {
    graphId: 'support',
    name: 'Support',
    description: 'Answers questions of customers.',
    config: { model: 'large', temperature: 0.2 },
    metadata: { team: 'service' },
  },
  {
    graphId: 'research',
    name: 'Research',
    description: 'Reads sources, and sums them up.',
    config: { model: 'large', sources: 5 },
    metadata: { team: 'analysis' },
  },
];

type SampleStatus = 'PENDING' | 'SUCCESS' | 'ERROR' | 'INTERRUPTED';

interface SampleThread {
  readonly topic: string;
  readonly channel: string;
  readonly runs: readonly {
    readonly graphId: string;
    readonly text: string;
    /** PENDING where a worker is to execute it. */
    readonly status: SampleStatus;
  }[];
}

const THREADS: readonly SampleThread[] = [
  { topic: 'Empty', channel: 'web', runs: [] },
  {
    topic: 'Refund',
    channel: 'mail',
    runs: [
      { graphId: 'support', text: 'Where is my refund?', status: 'SUCCESS' },
      { graphId: 'support', text: 'It has not come yet.', status: 'INTERRUPTED' },
    ],
  },
  {
    topic: 'Market report',
    channel: 'web',
    runs: [{ graphId: 'research', text: 'Compare the three largest vendors.', status: 'ERROR' }],
  },
  {
    topic: 'Opening hours',
    channel: 'phone',
    runs: [{ graphId: 'support', text: 'Are you open on Sunday?', status: 'SUCCESS' }],
  },
  {
    topic: 'Greeting',
    channel: 'web',
    runs: [{ graphId: 'echo', text: 'Hello from a worker', status: 'PENDING' }],
  },
];

const CREATE_ASSISTANT = `mutation SeedAssistant($input: CreateAssistantInput!) {
  result: createAssistant(input: $input) { record: assistant { id } userErrors { message } }
}`;
const CREATE_THREAD = `mutation SeedThread($input: CreateThreadInput!) {
  result: createThread(input: $input) { record: thread { id } userErrors { message } }
}`;
const CREATE_RUN = `mutation SeedRun($input: CreateRunInput!) {
  result: createRun(input: $input) { record: run { id } userErrors { message } }
}`;
const UPDATE_RUN = `mutation SeedRunStatus($input: UpdateRunInput!) {
  result: updateRun(input: $input) { run { id } userErrors { message } }
}`;

const Created = z.object({
  data: z.object({
    result: z.object({
      record: z.object({ id: z.string() }).nullable(),
      userErrors: z.array(z.object({ message: z.string() })),
    }),
  }),
});

/** The id of the record that a mutation creates. @throws ConfigError where it is refused */
async function created(send: Send, query: string, input: object): Promise<string> {
  const parsed = Created.safeParse(await send(query, { input }));
  if (!parsed.success)
    throw new ConfigError('The server has another version: its response has another shape.');
  const { record, userErrors } = parsed.data.data.result;
  if (record === null) {
    throw new ConfigError(`The server refused a sample: ${userErrors[0]?.message ?? 'it did not say why.'}`);
  }
  return record.id;
}
