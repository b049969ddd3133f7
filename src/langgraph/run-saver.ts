import {
  BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
} from '@langchain/langgraph';
import { RunFailure } from '../worker/run-failure.ts';
import { type Dumped, FORMAT, type SavedState, type SavedWrite } from './saved-state.ts';

type Config = Parameters<BaseCheckpointSaver['getTuple']>[0];
type Writes = Parameters<BaseCheckpointSaver['putWrites']>[1];

/** The indexes of writes that a task has one of, which a later one replaces: `WRITES_IDX_MAP` of LangGraph. */
export const SPECIAL_INDEXES: ReadonlyMap<string, number> = new Map([
  ['__error__', -1],
  ['__scheduled__', -2],
  ['__interrupt__', -3],
  ['__resume__', -4],
]);

interface Saved {
  readonly id: string;
  readonly checkpoint: Dumped;
  readonly metadata: Dumped;
}

interface Options {
  /** Called after each checkpoint. The graph continues once it has resolved. */
  readonly onCheckpoint: (namespace: string, checkpoint: Checkpoint) => Promise<void>;
  /** Called after a task has put writes, which are part of the next checkpoint. */
  readonly onWrites: () => void;
}

/** A checkpointer that keeps the last checkpoint of each namespace of one thread in memory, and can be stored as JSON. */
export class RunSaver extends BaseCheckpointSaver {
  readonly #options: Options;
  /** By namespace: empty for the graph itself. */
  readonly #saved = new Map<string, Saved>();
  /** By namespace and checkpoint, then by task and index: writes can come before their checkpoint does. */
  readonly #writes = new Map<string, Map<string, SavedWrite>>();

  constructor(saved: SavedState | null, options: Options) {
    super();
    this.#options = options;
    for (const [namespace, { id, checkpoint, metadata, writes }] of Object.entries(saved?.namespaces ?? {})) {
      this.#saved.set(namespace, { id, checkpoint, metadata });
      const entries = writes.map((write) => [keyOf(write[0], write[1]), write] as const);
      this.#writes.set(keyOf(namespace, id), new Map(entries));
    }
  }

  /** The content of the saver, from which another one continues. */
  dump(): SavedState {
    const namespaces = Array.from(this.#saved, ([namespace, { id, checkpoint, metadata }]) => {
      const writes = this.#writesOf(namespace, id);
      return [namespace, { id, checkpoint, metadata, writes }] as const;
    });
    return { format: FORMAT, runtime: 'javascript', namespaces: Object.fromEntries(namespaces) };
  }

  async getTuple({ configurable = {} }: Config): Promise<CheckpointTuple | undefined> {
    const { thread_id, checkpoint_ns: namespace = '', checkpoint_id: wanted } = configurable;
    const saved = this.#saved.get(namespace);
    if (saved === undefined || (wanted && wanted !== saved.id)) return undefined;
    const writes = this.#writesOf(namespace, saved.id);
    return {
      config: { configurable: { thread_id, checkpoint_ns: namespace, checkpoint_id: saved.id } },
      checkpoint: await this.#load(saved.checkpoint),
      metadata: await this.#load(saved.metadata),
      pendingWrites: await Promise.all(
        writes.map(async ([task, , channel, type, text]): Promise<[string, string, unknown]> => {
          return [task, channel, await this.#load([type, text])];
        }),
      ),
    };
  }

  async *list(config: Config, { before }: { before?: Config } = {}): AsyncGenerator<CheckpointTuple> {
    const tuple = before === undefined ? await this.getTuple(config) : undefined;
    if (tuple !== undefined) yield tuple;
  }

  async put(
    { configurable = {} }: Config,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
  ): Promise<Config> {
    if (Object.keys(metadata.counters_since_delta_snapshot ?? {}).length > 0) throw deltaChannel();
    const { thread_id, checkpoint_ns: namespace = '' } = configurable;
    const { id } = checkpoint;
    const saved = { id, checkpoint: await this.#dump(checkpoint), metadata: await this.#dump(metadata) };
    // The step is done, and so are the subgraphs that it called. Those with a memory of their own have no task in the name.
    const replaced =
      namespace === ''
        ? [...this.#saved.keys()].filter((key) => key === '' || key.includes(':'))
        : [namespace];
    for (const key of replaced) {
      const previous = this.#saved.get(key)?.id;
      if (previous !== undefined && previous !== id) this.#writes.delete(keyOf(key, previous));
      this.#saved.delete(key);
    }
    this.#saved.set(namespace, saved);
    await this.#options.onCheckpoint(namespace, checkpoint);
    return { configurable: { thread_id, checkpoint_ns: namespace, checkpoint_id: id } };
  }

  async putWrites(
    { configurable = {} }: Config,
    writes: Writes,
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    const { checkpoint_ns: namespace = '', checkpoint_id: id } = configurable;
    const key = keyOf(namespace, String(id));
    const dumped = await Promise.all(writes.map(([, value]) => this.#dump(value)));
    const stored = this.#writes.get(key) ?? new Map<string, SavedWrite>();
    this.#writes.set(key, stored);
    for (const [position, [channel]] of writes.entries()) {
      const index = SPECIAL_INDEXES.get(channel) ?? position;
      const [type, text] = dumped[position] ?? ['', ''];
      if (index >= 0 && stored.has(keyOf(taskId, index))) continue;
      stored.set(keyOf(taskId, index), [taskId, index, channel, type, text, taskPath]);
    }
    this.#options.onWrites();
  }

  async deleteThread(): Promise<void> {
    this.#saved.clear();
    this.#writes.clear();
  }

  /** In the order in which LangGraph applies them. */
  #writesOf(namespace: string, id: string): readonly SavedWrite[] {
    const writes = [...(this.#writes.get(keyOf(namespace, id))?.values() ?? [])];
    return writes.toSorted((a, b) => compareTexts(a[5], b[5]) || compareTexts(a[0], b[0]) || a[1] - b[1]);
  }

  async #dump(value: unknown): Promise<Dumped> {
    const [type, bytes] = await this.serde.dumpsTyped(value);
    return [type, Buffer.from(bytes).toString('base64')];
  }

  #load([type, text]: Dumped) {
    return this.serde.loadsTyped(type, Buffer.from(text, 'base64'));
  }
}

function keyOf(...parts: readonly (string | number)[]): string {
  return JSON.stringify(parts);
}

/** By code point, as UTF-8 does. */
function compareTexts(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function deltaChannel(): RunFailure {
  return new RunFailure(
    'The graph has a delta channel, whose value is spread over many checkpoints: compile it with a checkpointer of its own.',
    { code: 'CHECKPOINTER_REQUIRED' },
  );
}
