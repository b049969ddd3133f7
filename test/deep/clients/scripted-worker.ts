import { z } from 'zod';
import { workerClientOf } from '../../process/client.ts';

const Fields = z.record(z.string(), z.unknown());
const Lease = z.object({ held: z.boolean(), cancel: z.string().nullable() });
const Claimed = z.object({
  lease: z.string(),
  runId: z.string(),
  threadId: z.string(),
  attempt: z.number(),
  input: Fields.nullable(),
  checkpoint: Fields.nullable(),
  resumes: z.string().nullable(),
});

/** An attempt whose calls the test makes, step by step. */
export interface Attempt extends Omit<z.infer<typeof Claimed>, 'lease'> {
  /** Appends events: each with its type, and the fields of its data. */
  say(...events: readonly { readonly type: string; readonly [field: string]: unknown }[]): Promise<void>;
  finish(end: Readonly<Record<string, unknown>>): Promise<void>;
  release(): Promise<void>;
  /** Waits until the run is to be cancelled. */
  cancellation(): Promise<void>;
}

/** Claims the next run of the graph `chat`. */
export async function claimRun(port: number): Promise<Attempt> {
  const client = await workerClientOf(port, 'worker-1');

  async function call(name: string, selection: string, input: object): Promise<unknown> {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { message } } }`;
    const { body, text } = await client.send(query, { input });
    const Data = z.object({ [name]: z.looseObject({ userErrors: z.tuple([]) }) });
    const { data, error } = Data.safeParse(body.data);
    if (error !== undefined) throw new Error(text);
    return data[name];
  }
  const Leases = z.object({ leases: z.tuple([Lease]) });
  /** The next run, however long it takes to be created: a call waits for 10 seconds. */
  async function next(): Promise<z.infer<typeof Claimed>> {
    const selection = 'claims { lease runId threadId attempt input checkpoint resumes }';
    for (;;) {
      const input = { worker: 'worker-1', graphIds: ['chat'], leaseSeconds: 300 };
      const claimed = await call('claimRuns', selection, input);
      const [claim] = z.object({ claims: z.array(Claimed) }).parse(claimed).claims;
      if (claim !== undefined) return claim;
    }
  }
  const { lease, ...attempt } = await next();
  let offset = 0;

  return {
    ...attempt,
    async say(...events) {
      const sent = events.map(({ type, ...data }) => ({ type, data }));
      await call('appendRunEvents', 'lease { held }', { lease, offset, events: sent });
      offset += events.length;
    },
    async finish(end) {
      const result = await call('finishRun', 'accepted', { lease, ...end });
      z.object({ accepted: z.literal(true) }).parse(result);
    },
    async release() {
      await call('releaseRuns', 'leases { held }', { leases: [lease] });
    },
    async cancellation() {
      const selection = 'leases { held cancel }';
      for (;;) {
        const result = await call('heartbeatRuns', selection, { leases: [lease], waitSeconds: 10 });
        const [state] = Leases.parse(result).leases;
        if (state.cancel !== null) return;
      }
    },
  };
}

/** The events of a text message. */
export function textMessage(messageId: string, ...deltas: readonly string[]) {
  return [
    { type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' },
    ...deltas.map((delta) => ({ type: 'TEXT_MESSAGE_CONTENT', messageId, delta })),
    { type: 'TEXT_MESSAGE_END', messageId },
  ];
}
