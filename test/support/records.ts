import type { Change } from '../../src/store/change.ts';
import type { Outcome } from '../../src/store/outcome.ts';
import type { Owner } from '../../src/store/owner.ts';
import type { Assistant, JsonObject, NewAssistant, Run, RunStatus, Thread } from '../../src/store/records.ts';
import type { Store, Stores } from '../../src/store/stores.ts';
import { valueOf } from './bench.ts';
import type { TimeField } from './walk.ts';

/** A record of any kind. */
export type AnyRecord = Assistant | Thread | Run;

/** What the stores of all three resources have in common. */
export type AnyStore = Omit<
  Store<
    AnyRecord,
    never,
    { readonly metadata?: JsonObject | null },
    { readonly ids?: readonly string[]; readonly metadata?: JsonObject },
    TimeField
  >,
  'create'
>;

/** A resource, for what holds for all three. */
export interface Resource {
  readonly name: Change['resource'];
  of(stores: Stores): AnyStore;
  /** Creates one, together with what it needs. */
  create(stores: Stores, owner: Owner, metadata?: JsonObject | null): Promise<Outcome<AnyRecord>>;
}

/** The three resources. */
export const RESOURCES: readonly Resource[] = [
  {
    name: 'assistant',
    of: ({ assistants }) => assistants,
    create: async ({ assistants }, owner, metadata) =>
      assistants.create(owner, { graphId: 'graph', metadata }),
  },
  {
    name: 'thread',
    of: ({ threads }) => threads,
    create: async ({ threads }, owner, metadata) => threads.create(owner, { metadata }),
  },
  {
    name: 'run',
    of: ({ runs }) => runs,
    async create(stores, owner, metadata) {
      const thread = await makeThread(stores, owner);
      const assistant = await makeAssistant(stores, owner);
      return stores.runs.create(owner, { threadId: thread.id, assistantId: assistant.id, metadata });
    },
  },
];

/** What a new run has besides its parents, its status and its times. */
export const NEW_RUN = {
  hasInput: false,
  hasOutput: false,
  hasCheckpoint: false,
  error: null,
  interrupt: null,
  resumes: null,
  multitaskStrategy: 'ENQUEUE',
  attempt: 0,
  maxAttempts: 3,
  timeoutSeconds: null,
  assistantVersion: null,
  worker: null,
  startedAt: null,
  finishedAt: null,
  cancelRequestedAt: null,
  traceparent: null,
} as const;

/** A new assistant. */
export async function makeAssistant(
  stores: Pick<Stores, 'assistants'>,
  owner: Owner,
  input: Partial<NewAssistant> = {},
): Promise<Assistant> {
  return valueOf(await stores.assistants.create(owner, { graphId: 'graph', ...input }));
}

/** A new thread. */
export async function makeThread(
  stores: Pick<Stores, 'threads'>,
  owner: Owner,
  metadata: JsonObject = {},
): Promise<Thread> {
  return valueOf(await stores.threads.create(owner, { metadata }));
}

/** A new run, on a thread and of an assistant of its own unless told, moved to a status. */
export async function makeRun(
  stores: Omit<Stores, 'queue'>,
  owner: Owner,
  parents: { readonly threadId?: string; readonly assistantId?: string } = {},
  status: RunStatus = 'PENDING',
): Promise<Run> {
  const threadId = parents.threadId ?? (await makeThread(stores, owner)).id;
  const assistantId = parents.assistantId ?? (await makeAssistant(stores, owner)).id;
  const run = valueOf(await stores.runs.create(owner, { threadId, assistantId }));
  return status === 'PENDING' ? run : moveRun(stores, owner, run.id, status);
}

/** Moves a run that there is to a status that it can have. */
export async function moveRun(
  stores: Pick<Stores, 'runs'>,
  owner: Owner,
  id: string,
  status: RunStatus,
): Promise<Run> {
  const run = valueOf(await stores.runs.update(owner, id, { status }));
  if (run === null) throw new Error(`There is no run ${id}.`);
  return run;
}

/** A record that a test knows to be there. */
export function existing<T>(record: T | null | undefined): T {
  if (record == null) throw new Error('There is no such record.');
  return record;
}
